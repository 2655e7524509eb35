package io.lingen.diffusion;

import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import java.util.List;

/**
 * A network that predicts the velocity or the noise of a noisy latent, at a time and under a condition.
 *
 * <p>Thread-safe: weights are immutable and intermediate tensors belong to the call.
 */
public interface Denoiser extends AutoCloseable {
    /** {@return the backend that computes the passes} */
    Backend backend();

    /** {@return the meaning of the output} */
    Prediction prediction();

    /**
     * Prepares text embeddings for the passes of a video.
     *
     * @param texts one embedding per text encoder, in the order of the model
     * @return the conditioning, to be closed by the caller
     * @throws IllegalArgumentException if the model has another kind of condition or embeddings of other widths
     */
    default Conditioning condition(List<TextEmbedding> texts) {
        return condition(Condition.of(texts));
    }

    /**
     * Prepares a condition for the passes of a video.
     *
     * @param condition text or a class
     * @return the conditioning, to be closed by the caller
     * @throws IllegalArgumentException if the model has another kind of condition or embeddings of other widths
     */
    default Conditioning condition(Condition condition) {
        return condition(condition, Taps.NONE);
    }

    /**
     * Prepares a condition for the passes of a video and passes intermediate results to taps.
     *
     * @param condition text or a class
     * @param taps receives the projected inputs, such as "text.{i}" and "text"
     * @return the conditioning, to be closed by the caller
     * @throws IllegalArgumentException if the model has another kind of condition or embeddings of other widths
     */
    Conditioning condition(Condition condition, Taps taps);

    /**
     * Checks that a latent can be denoised.
     *
     * @param latent the shape [C, T, H, W]
     * @throws IllegalArgumentException if it can't; the message contains the rule and the shape found
     */
    void requireLatent(Shape latent);

    /**
     * Computes the prediction for a latent at a time.
     *
     * @param latent [C, T, H, W], F32
     * @param t the time, as the {@link Prediction} defines it
     * @param conditioning the conditioning, made by this denoiser
     * @param out the output, F32, of the shape {@link Prediction#outputOf}
     * @throws IllegalArgumentException if the latent does not fit the configuration
     */
    default void predict(Tensor latent, double t, Conditioning conditioning, Tensor out) {
        predict(latent, t, conditioning, out, Taps.NONE);
    }

    /**
     * Computes the prediction for a latent at a time and passes intermediate results to taps.
     *
     * @param latent [C, T, H, W], F32
     * @param t the time, as the {@link Prediction} defines it
     * @param conditioning the conditioning, made by this denoiser
     * @param out the output, F32, of the shape {@link Prediction#outputOf}
     * @param taps receives the result of every step
     * @throws IllegalArgumentException if the latent does not fit the configuration
     */
    void predict(Tensor latent, double t, Conditioning conditioning, Tensor out, Taps taps);

    /** Frees the weights. */
    @Override
    void close();
}
