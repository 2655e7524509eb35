package io.lingen.wan.internal;

import io.lingen.spi.VideoLimits.NativeSize;
import java.util.List;
import java.util.Map;

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

    /** The publishers' repositories, by the width of the transformer. */
    private static final Map<Integer, String> REPOSITORIES = Map.of(
            1536, "Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
            5120, "Wan-AI/Wan2.1-T2V-14B-Diffusers",
            3072, "Wan-AI/Wan2.2-TI2V-5B-Diffusers");

    /** The repositories of models that are distilled to a few steps, by the width of the transformer. */
    private static final Map<Integer, String> DISTILLED_REPOSITORIES = Map.of(
            1536, "FastVideo/FastWan2.1-T2V-1.3B-Diffusers",
            5120, "FastVideo/FastWan2.1-T2V-14B-480P-Diffusers",
            3072, "FastVideo/FastWan2.2-TI2V-5B-FullAttn-Diffusers");

    private static WanDefaults of(int width, int height, int frames, int fps) {
        return new WanDefaults(fps, new NativeSize(width, height, (double) frames / fps), 5);
    }

    /**
     * {@return the publisher's repository of a model; "REPOSITORY" for an unknown width}
     *
     * @param width the width of the transformer
     * @param distilled whether the model was distilled to a few steps
     */
    static String repository(int width, boolean distilled) {
        return (distilled ? DISTILLED_REPOSITORIES : REPOSITORIES).getOrDefault(width, "REPOSITORY");
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
