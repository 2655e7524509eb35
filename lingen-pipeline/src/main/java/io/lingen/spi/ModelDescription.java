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
 * A model as its files describe it: limits, defaults and facts, and how its parts are loaded. Bound to its {@link ModelSource} and valid as
 * long as that is open; owns nothing. Thread-safe.
 *
 * <p>Every method reads the files that it needs and no others, so that a part of a model can be used alone. It throws
 * {@link CheckpointException} if one of them is missing or ill-formed, or they don't fit each other, naming the field, the value found and
 * the values that would do. For the forecast of a video's memory the same code loads the model from
 * {@linkplain ModelSource#shapesOnly the shapes} of its weights onto a dry-run backend.
 */
public interface ModelDescription {
    /** The sizes and conditions that the model takes, and its defaults. */
    VideoLimits limits();

    /**
     * Checks the settings of a request, defaults filled in.
     *
     * @throws IllegalArgumentException if the model's sampler has no such schedule, or can't do something else that is asked for; the message
     *     offers what it can
     */
    void requireSampling(SamplingSettings settings);

    /** The paths, inside the model, of all files that it consists of: those whose change gives another video. */
    List<String> files();

    /**
     * What is to be known of the model, such as its sizes: for people, a line each. Sampling defaults, native size and limits are not among
     * them.
     */
    List<ModelFact> facts();

    /** What prompts go through before they are encoded, unless a user chooses something else. */
    default PromptRewriter rewriter() {
        return PromptRewriter.IDENTITY;
    }

    /** The words of a prompt that the model is known not to know, in the prompt's order; empty if nothing is known. */
    default List<String> unknownWords(String prompt) {
        return List.of();
    }

    /**
     * The properties of the text encoders, from configurations and the shapes of weights, in the order of {@link #loadTextEncoders}.
     *
     * @param backend the backend that the encoders would be loaded for; nothing is allocated on it
     * @param precision of products and activations, F32 or BF16
     */
    List<TextEncoderFacts> textEncoders(Backend backend, DType precision);

    /**
     * Loads the text encoders.
     *
     * @param backend for encoders that compute with it; not closed before them
     * @param threads for those that don't
     * @return to be closed by the caller
     */
    TextEncoders loadTextEncoders(Backend backend, DType precision, int threads);

    /**
     * Loads the denoiser.
     *
     * @param precision of products and activations, F32 or BF16
     * @return to be closed by the caller, before the backend
     */
    Denoiser loadDenoiser(Backend backend, DType precision);

    /**
     * The sampler of a video, for the predictions of {@link #loadDenoiser}.
     *
     * @param settings that {@link #requireSampling} accepts
     * @param seed of noise that is drawn during the steps
     */
    Sampler sampler(Backend backend, SamplingSettings settings, long seed);

    /**
     * Loads the decoder.
     *
     * @param precision of products and activations, F32 or BF16
     * @return to be closed by the caller, before the backend
     */
    VideoDecoder loadDecoder(Backend backend, DType precision);
}
