package io.lingen;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.backend.Backends;
import io.lingen.spi.ModelOptions;
import io.lingen.text.PromptRewriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The options of a pipeline. They are fixed when the model is loaded, because its weights are packed for the backend and the precision.
 * Immutable.
 *
 * @param backend the name of a backend for {@link Backends#create}: "auto", "cpu", "nd4j" or "cuda"
 * @param precision the type of matrix products and activations, BF16 or F32
 * @param threads the number of host threads to compute with, 1 to {@value BackendOptions#MAX_THREADS}
 * @param rewriter the rewriter of prompts; null for the model's rewriter, such as its {@link io.lingen.text.Thesaurus}. {@link
 *     PromptRewriter#IDENTITY} encodes prompts verbatim
 * @param model files that replace or change components of the model, such as the denoiser's weights or LoRAs
 * @param offload whether denoiser and decoder stay in memory or are loaded alternately
 * @param textCache the folder for encoded prompts, which later runs reuse; created if it does not exist. Null for none
 * @param progress receives the progress of long work inside a call, such as encoding the prompts
 */
public record PipelineOptions(
        String backend,
        DType precision,
        int threads,
        @Nullable PromptRewriter rewriter,
        ModelOptions model,
        Offload offload,
        @Nullable Path textCache,
        ProgressListener progress) {
    /** A receiver of progress reports. It is called by the thread that does the work, and should return quickly. */
    @FunctionalInterface
    public interface ProgressListener {
        /** Discards all reports. */
        ProgressListener NONE = (stage, done, total) -> {};

        /**
         * Reports progress. The first report of a stage has {@code done} 0, the last one {@code total}.
         *
         * @param stage the stage: "encoding" while a text encoder that is not kept in memory reads its weights
         * @param done the number of completed parts
         * @param total the number of parts, at least 1
         */
        void advanced(String stage, int done, int total);
    }

    /**
     * Checks the precision, the number of threads and the text cache.
     *
     * @throws IllegalArgumentException if one is out of range, or if the text cache is a file
     */
    public PipelineOptions {
        if (!precision.isComputeType()) {
            throw new IllegalArgumentException("precision must be BF16 or F32, found " + precision);
        }
        new BackendOptions(threads);
        if (textCache != null && Files.exists(textCache) && !Files.isDirectory(textCache)) {
            throw new IllegalArgumentException(
                    "text cache must be a folder, found the file " + textCache + "; use another path");
        }
    }

    /**
     * {@return the default options: the best available backend, BF16, all processors, the model's rewriter and files, {@link Offload#AUTO},
     * no text cache and no progress listener}
     */
    public static PipelineOptions defaults() {
        return new PipelineOptions(
                Backends.AUTO,
                DType.BF16,
                Runtime.getRuntime().availableProcessors(),
                null,
                ModelOptions.NONE,
                Offload.AUTO,
                null,
                ProgressListener.NONE);
    }

    /**
     * {@return these options with another backend}
     *
     * @param name the name of the backend
     */
    public PipelineOptions withBackend(String name) {
        return new PipelineOptions(name, precision, threads, rewriter, model, offload, textCache, progress);
    }

    /**
     * {@return these options with another precision}
     *
     * @param type BF16 or F32
     * @throws IllegalArgumentException if the type is neither
     */
    public PipelineOptions withPrecision(DType type) {
        return new PipelineOptions(backend, type, threads, rewriter, model, offload, textCache, progress);
    }

    /**
     * {@return these options with another number of threads}
     *
     * @param number the number of threads
     * @throws IllegalArgumentException if the number is out of range
     */
    public PipelineOptions withThreads(int number) {
        return new PipelineOptions(backend, precision, number, rewriter, model, offload, textCache, progress);
    }

    /**
     * {@return these options with another rewriter}
     *
     * @param other the rewriter; null for the model's rewriter
     */
    public PipelineOptions withRewriter(@Nullable PromptRewriter other) {
        return new PipelineOptions(backend, precision, threads, other, model, offload, textCache, progress);
    }

    /**
     * {@return these options with other files for components of the model}
     *
     * @param other the files
     */
    public PipelineOptions withModel(ModelOptions other) {
        return new PipelineOptions(backend, precision, threads, rewriter, other, offload, textCache, progress);
    }

    /**
     * {@return these options with another text cache}
     *
     * @param folder the folder for encoded prompts; null for none
     */
    public PipelineOptions withTextCache(@Nullable Path folder) {
        return new PipelineOptions(backend, precision, threads, rewriter, model, offload, folder, progress);
    }

    /**
     * {@return these options with another progress listener}
     *
     * @param listener receives the progress
     */
    public PipelineOptions withProgress(ProgressListener listener) {
        return new PipelineOptions(backend, precision, threads, rewriter, model, offload, textCache, listener);
    }

    /**
     * {@return these options with another offload mode}
     *
     * @param other whether denoiser and decoder stay in memory or are loaded alternately
     */
    public PipelineOptions withOffload(Offload other) {
        return new PipelineOptions(backend, precision, threads, rewriter, model, other, textCache, progress);
    }
}
