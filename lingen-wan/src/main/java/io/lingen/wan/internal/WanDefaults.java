package io.lingen.wan.internal;

import io.lingen.spi.VideoLimits.NativeSize;
import java.util.List;

/**
 * The defaults of a model that are in none of its files: those of its publisher.
 *
 * @param fps frames per second
 * @param nativeSize the size and length of a video
 * @param guidance the scale of classifier-free guidance
 */
record WanDefaults(int fps, NativeSize nativeSize, double guidance) {
    /** The times of FastWan's three steps. */
    static final List<Double> DISTILLED_TIMES = List.of(1000.0, 757.0, 522.0);

    private static final WanDefaults WAN_21 = of(832, 480, 81, 16);
    private static final WanDefaults FAST_WAN_21 = of(832, 448, 61, 16);
    private static final WanDefaults WAN_22 = of(1280, 704, 121, 24);

    private static WanDefaults of(int width, int height, int frames, int fps) {
        return new WanDefaults(fps, new NativeSize(width, height, (double) frames / fps), 5);
    }

    /**
     * {@return the defaults of a model}
     *
     * @param highCompression whether the autoencoder is that of Wan2.2-TI2V-5B
     * @param distilled whether the model was distilled to a few steps
     */
    static WanDefaults of(boolean highCompression, boolean distilled) {
        return highCompression ? WAN_22 : distilled ? FAST_WAN_21 : WAN_21;
    }
}
