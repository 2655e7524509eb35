package io.lingen.video;

import java.io.IOException;

/**
 * Takes the frames of a video one after the other. What it writes appears under its final name when {@link #finish} returns; closed
 * before that, it leaves nothing behind. For one thread.
 */
public interface VideoWriter extends AutoCloseable {
    /**
     * Appends a frame.
     *
     * @param rgb [height, width, 3], 8 bits each; not kept
     * @throws IllegalArgumentException if it has another size
     * @throws IllegalStateException if the video is finished, closed, or has failed before
     * @throws IOException if it can't be written, for example because the disk is full; the video can't be finished then
     */
    void write(byte[] rgb) throws IOException;

    /**
     * Completes the video and gives it its name.
     *
     * @throws IllegalStateException if the video is finished, closed, or has failed before
     * @throws IOException if it can't be written, or no longer have its name
     */
    void finish() throws IOException;

    @Override
    void close();
}
