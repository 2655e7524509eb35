package io.lingen.video;

import java.io.IOException;

/**
 * A writer of the frames of one video. The video appears under its name when {@link #finish} returns. If the writer is closed earlier, no
 * file remains. For one thread.
 */
public interface VideoWriter extends AutoCloseable {
    /**
     * Appends a frame.
     *
     * @param rgb the frame as 8-bit RGB, [height, width, 3]; not kept
     * @throws IllegalArgumentException if the frame has another size
     * @throws IllegalStateException if the writer is finished or closed, or has failed
     * @throws IOException if the frame can't be written, for example because the disk is full; the video can't be finished afterwards
     */
    void write(byte[] rgb) throws IOException;

    /**
     * Completes the video and gives it its name.
     *
     * @throws IllegalStateException if the writer is finished or closed, or has failed
     * @throws IOException if the video can't be written or can't get its name
     */
    void finish() throws IOException;

    /** Frees the encoder, and deletes the video unless it is finished. Closing twice has no effect. */
    @Override
    void close();
}
