package io.lingen.spi;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Sampler;
import io.lingen.text.PromptRewriter;
import io.lingen.text.TextEncoders;
import io.lingen.vae.VideoDecoder;
import java.util.List;

/**
 * The limits, defaults and components of a model, read from its files. Valid while its {@link ModelSource} is open. Owns no resources.
 * Thread-safe.
 *
 * <p>A method reads only the files that it needs, so a component can be used without the others. It throws {@link CheckpointException} if
 * one of these files is missing or malformed, or if they contradict each other. The message contains the field, the value found and the
 * rule.
 *
 * <p>The memory forecast loads the denoiser and the decoder a second time, on a dry-run backend from
 * {@linkplain ModelSource#shapesOnly the shapes} of the weights.
 */
public interface ModelDescription {
    /** {@return the sizes, lengths and conditions that the model accepts, and its defaults} */
    VideoLimits limits();

    /**
     * Checks the sampling settings of a request.
     *
     * @param settings the complete settings of a sampler in {@link VideoLimits#samplers}. Settings that the request omits have the
     *     sampler's defaults
     * @throws IllegalArgumentException if the sampler does not support them; the message contains the supported values
     */
    void requireSampling(SamplingSettings settings);

    /** {@return the paths, within the model, of all files that influence a video} Their contents determine the model's hash. */
    List<String> files();

    /**
     * {@return the files that the model lacks} Only {@link #facts} must work without them.
     *
     * @throws CheckpointException if there are only weights in a format that is not read
     */
    default MissingFiles missingFiles() {
        return MissingFiles.NONE;
    }

    /** {@return facts about the model for {@code lingen info}, apart from its limits and defaults; those of components that are complete} */
    List<ModelFact> facts();

    /** {@return the rewriter of prompts that is used if the caller selects none} */
    default PromptRewriter rewriter() {
        return PromptRewriter.IDENTITY;
    }

    /**
     * {@return the words of a prompt that the model was not trained on and has no replacement for, in the order of the prompt} Empty if the
     * model does not record its vocabulary.
     *
     * @param prompt the prompt before rewriting
     */
    default List<String> unknownWords(String prompt) {
        return List.of();
    }

    /**
     * {@return facts about the text encoders, from their configuration and the shapes of their weights, in the order of
     * {@link #loadTextEncoders}}
     *
     * @param backend the backend of encoders that compute with one; nothing is allocated on it
     * @param precision the type of matrix products and activations on the backend, F32 or BF16
     */
    List<TextEncoderFacts> textEncoders(Backend backend, DType precision);

    /**
     * Loads the text encoders.
     *
     * @param backend the backend of encoders that compute with one; closed after the encoders
     * @param precision the type of matrix products and activations on the backend, F32 or BF16
     * @param threads the number of threads of encoders that compute without a backend
     * @return the encoders, to be closed by the caller
     * @throws CheckpointException if a file is missing or malformed
     */
    TextEncoders loadTextEncoders(Backend backend, DType precision, int threads);

    /**
     * Loads the denoiser.
     *
     * @param backend the backend that computes; closed after the denoiser
     * @param precision the type of matrix products and activations, F32 or BF16
     * @return the denoiser, to be closed by the caller
     * @throws CheckpointException if a file is missing or malformed
     * @throws io.lingen.core.OutOfMemoryException if the weights do not fit in memory
     */
    Denoiser loadDenoiser(Backend backend, DType precision);

    /**
     * {@return a sampler for the predictions of the denoiser}
     *
     * @param backend the backend of the denoiser
     * @param settings settings that {@link #requireSampling} accepts
     * @param seed the seed of noise that is drawn during the steps
     */
    Sampler sampler(Backend backend, SamplingSettings settings, long seed);

    /**
     * Loads the decoder.
     *
     * @param backend the backend that computes; closed after the decoder
     * @param precision the type of matrix products and activations, F32 or BF16
     * @return the decoder, to be closed by the caller
     * @throws CheckpointException if a file is missing or malformed
     * @throws io.lingen.core.OutOfMemoryException if the weights do not fit in memory
     */
    VideoDecoder loadDecoder(Backend backend, DType precision);

    /**
     * {@return the parts that can be compared with fixtures, in the order in which a video needs them} In addition, one pass of the
     * denoiser can be compared for every model.
     */
    default List<ParityPart> parityParts() {
        return List.of();
    }
}
