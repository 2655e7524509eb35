package io.lingen.spi;

import io.lingen.core.Shape;
import io.lingen.core.internal.SafeText;
import io.lingen.core.op.Dims3;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The sizes, lengths and conditions that a model accepts, and its defaults.
 *
 * @param prompts whether the model accepts prompts
 * @param labels the number of classes; labels count from 0. 0 if the model accepts no labels
 * @param width the allowed widths in pixels
 * @param height the allowed heights in pixels
 * @param frames the allowed numbers of frames
 * @param channels the number of channels of a latent
 * @param compression frames, rows and columns per latent cell; the last latent frame may stand for fewer frames
 * @param fps the default frame rate in frames per second
 * @param nativeSize the default size and length; null if every request must contain them
 * @param samplers the samplers that the model offers, each with its default settings; the first one is the default
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
        List<SamplingSettings> samplers) {
    /**
     * Copies the samplers.
     *
     * @throws IllegalArgumentException if there is none
     */
    public VideoLimits {
        samplers = List.copyOf(samplers);
        if (samplers.isEmpty()) {
            throw new IllegalArgumentException("samplers of a model must be at least one, found none");
        }
    }

    /**
     * The size and length that a model was trained for.
     *
     * @param width the width in pixels
     * @param height the height in pixels
     * @param seconds the length in seconds
     */
    public record NativeSize(int width, int height, double seconds) {}

    /**
     * {@return the default settings of a sampler}
     *
     * @param sampler the name of a sampler; null for the default sampler
     * @throws IllegalArgumentException if the model does not offer it; the message contains the names of those it offers
     */
    public SamplingSettings sampling(@Nullable String sampler) {
        if (sampler == null) {
            return samplers.get(0);
        }
        return samplers.stream()
                .filter(settings -> settings.sampler().equals(sampler))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("sampler must be "
                        + (samplers.size() == 1 ? "" : "one of ")
                        + samplers.stream().map(SamplingSettings::sampler).collect(Collectors.joining(", "))
                        + " for this model, found '" + SafeText.of(sampler) + "'"));
    }

    /**
     * {@return the shape [C, T, H, W] of the latent of a video}
     *
     * @param frameCount an allowed number of frames
     * @param pixelHeight an allowed height in pixels
     * @param pixelWidth an allowed width in pixels
     */
    public Shape latentOf(int frameCount, int pixelHeight, int pixelWidth) {
        return Shape.of(
                channels,
                Math.ceilDiv(frameCount, compression.t()),
                pixelHeight / compression.h(),
                pixelWidth / compression.w());
    }
}
