package io.lingen.diffusion;

import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import java.util.List;

/**
 * A network that predicts the velocity of a noisy latent.
 *
 * <p>Thread-safe: weights are immutable and intermediate tensors belong to the call, so one instance serves several threads.
 */
public interface Denoiser extends AutoCloseable {
    /** Where it computes. */
    Backend backend();

    /** Its configuration. */
    TransformerConfig config();

    /**
     * Projects the text for every block, once per video.
     *
     * @param texts one embedding per text encoder, in the configuration's order
     * @return to be closed by the caller
     * @throws IllegalArgumentException if number or widths differ from the configuration's {@code text_dims}
     */
    default Conditioning condition(List<TextEmbedding> texts) {
        return condition(texts, Taps.NONE);
    }

    /** As {@link #condition(List)}, showing "text.{i}" and "text" to the taps. */
    Conditioning condition(List<TextEmbedding> texts, Taps taps);

    /**
     * Checks that a latent can be denoised.
     *
     * @param latent [C, T, H, W]
     * @throws IllegalArgumentException naming the sizes that would do
     */
    void requireLatent(Shape latent);

    /**
     * The velocity at a point of the flow.
     *
     * @param latent [C, T, H, W], F32
     * @param t time, 0 = noise to 1 = data
     * @param velocity [C, T, H, W], F32, written
     * @throws IllegalArgumentException if the latent's sizes don't fit the configuration
     */
    default void velocity(Tensor latent, double t, Conditioning conditioning, Tensor velocity) {
        velocity(latent, t, conditioning, velocity, Taps.NONE);
    }

    /** As {@link #velocity(Tensor, double, Conditioning, Tensor)}, showing every step to the taps. */
    void velocity(Tensor latent, double t, Conditioning conditioning, Tensor velocity, Taps taps);

    /** Frees the weights. */
    @Override
    void close();
}
