package io.lingen.spi;

import io.lingen.core.Shape;
import io.lingen.core.op.Dims3;
import org.jspecify.annotations.Nullable;

/**
 * Which videos a model makes, and which it makes unless asked otherwise.
 *
 * @param prompts whether it takes a prompt
 * @param labels the number of classes, of which it takes a label from 0; 0 for none
 * @param width in pixels; likewise height
 * @param frames of a video
 * @param channels of the latent
 * @param compression frames, rows and columns per latent cell; a last cell may hold fewer frames
 * @param fps frames per second of its videos
 * @param nativeSize the size of a request that names none; null if it has to name one
 * @param sampling its defaults
 */
public record VideoLimits(
        boolean prompts,
        int labels,
        SizeRule width,
        SizeRule height,
        SizeRule frames,
        int channels,
        Dims3 compression,
        int fps,
        @Nullable NativeSize nativeSize,
        SamplingSettings sampling) {
    /** The size that a model was trained for, in pixels, and the length of its videos in seconds. */
    public record NativeSize(int width, int height, double seconds) {}

    /** The latent [C, T, H, W] of a video of these sizes. */
    public Shape latentOf(int frameCount, int pixelHeight, int pixelWidth) {
        return Shape.of(
                channels,
                Math.ceilDiv(frameCount, compression.t()),
                pixelHeight / compression.h(),
                pixelWidth / compression.w());
    }
}
