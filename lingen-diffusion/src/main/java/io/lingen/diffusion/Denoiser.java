package io.lingen.diffusion;

import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import java.util.List;

/**
 * A network that predicts, for a noisy latent, the velocity of its flow or the noise in it.
 *
 * <p>Thread-safe: weights are immutable and intermediate tensors belong to the call, so one instance serves several threads.
 */
public interface Denoiser extends AutoCloseable {
    /** Where it computes. */
    Backend backend();

    /** The meaning of its output. */
    Prediction prediction();

    /** Conditions on text alone, as {@link #condition(Condition, Taps)}. */
    default Conditioning condition(List<TextEmbedding> texts) {
        return condition(Condition.of(texts));
    }

    /** As {@link #condition(Condition, Taps)}, without taps. */
    default Conditioning condition(Condition condition) {
        return condition(condition, Taps.NONE);
    }

    /**
     * Prepares a condition for the passes of a video.
     *
     * @param taps shown the projected inputs, such as "text.{i}" and "text"
     * @return to be closed by the caller
     * @throws IllegalArgumentException if the model is conditioned on something else, or on embeddings of other widths
     */
    Conditioning condition(Condition condition, Taps taps);

    /**
     * Checks that a latent can be denoised.
     *
     * @param latent [C, T, H, W]
     * @throws IllegalArgumentException naming the sizes that would do
     */
    void requireLatent(Shape latent);

    /**
     * Computes the prediction for a latent at a time.
     *
     * @param latent [C, T, H, W], F32
     * @param t the time, in the terms that the model was trained with: from 0 = noise to 1 = data for a rectified flow
     * @param conditioning of this denoiser
     * @param out written, F32, of the shape {@link Prediction#outputOf}
     * @throws IllegalArgumentException if the latent's sizes don't fit the configuration
     */
    default void predict(Tensor latent, double t, Conditioning conditioning, Tensor out) {
        predict(latent, t, conditioning, out, Taps.NONE);
    }

    /** As {@link #predict(Tensor, double, Conditioning, Tensor)}, showing every step to the taps. */
    void predict(Tensor latent, double t, Conditioning conditioning, Tensor out, Taps taps);

    /** Frees the weights. */
    @Override
    void close();
}
