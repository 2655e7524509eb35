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
 * How a pipeline computes; fixed when it is loaded, because weights are packed for it.
 *
 * @param backend a name that {@link Backends#create} knows: "auto", "cpu", "nd4j", "cuda"
 * @param precision of products and of what lies between them: BF16 or F32
 * @param threads host threads to compute with, 1 to {@value BackendOptions#MAX_THREADS}
 * @param rewriter what a prompt goes through before it is encoded; null for the model's own: its {@link io.lingen.text.Thesaurus} if it has
 *     one. {@link PromptRewriter#IDENTITY} leaves prompts as they are
 * @param model files that replace or change parts of the model: a transformer's weights, LoRAs
 * @param textCache the folder that keeps encoded prompts for later runs; created if it does not exist; null to keep none
 * @param progress receives the progress of long work outside of the caller's own loop
 */
public record PipelineOptions(
        String backend,
        DType precision,
        int threads,
        @Nullable PromptRewriter rewriter,
        ModelOptions model,
        @Nullable Path textCache,
        ProgressListener progress) {
    /** A receiver of the progress of long work. It is called by the thread that works, and should return quickly. */
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

    public PipelineOptions {
        if (!precision.isComputeType()) {
            throw new IllegalArgumentException("the precision is BF16 or F32, found " + precision);
        }
        new BackendOptions(threads);
        if (textCache != null && Files.exists(textCache) && !Files.isDirectory(textCache)) {
            throw new IllegalArgumentException(
                    "text cache must be a folder, found the file " + textCache + "; name another one");
        }
    }

    /** The best backend, BF16, all processors, the model's own rewriter, no text cache, no progress. */
    public static PipelineOptions defaults() {
        return new PipelineOptions(
                Backends.AUTO,
                DType.BF16,
                Runtime.getRuntime().availableProcessors(),
                null,
                ModelOptions.NONE,
                null,
                ProgressListener.NONE);
    }

    /** These options with another backend. */
    public PipelineOptions withBackend(String name) {
        return new PipelineOptions(name, precision, threads, rewriter, model, textCache, progress);
    }

    /** These options with another precision. */
    public PipelineOptions withPrecision(DType type) {
        return new PipelineOptions(backend, type, threads, rewriter, model, textCache, progress);
    }

    /** These options with another number of threads. */
    public PipelineOptions withThreads(int number) {
        return new PipelineOptions(backend, precision, number, rewriter, model, textCache, progress);
    }

    /** These options with another rewriter; null for the model's own. */
    public PipelineOptions withRewriter(@Nullable PromptRewriter other) {
        return new PipelineOptions(backend, precision, threads, other, model, textCache, progress);
    }

    /**
     * {@return these options with other files for parts of the model}
     *
     * @param other the files
     */
    public PipelineOptions withModel(ModelOptions other) {
        return new PipelineOptions(backend, precision, threads, rewriter, other, textCache, progress);
    }

    /** These options with a folder that keeps encoded prompts; null to keep none. */
    public PipelineOptions withTextCache(@Nullable Path folder) {
        return new PipelineOptions(backend, precision, threads, rewriter, model, folder, progress);
    }

    /** These options with a receiver of progress. */
    public PipelineOptions withProgress(ProgressListener listener) {
        return new PipelineOptions(backend, precision, threads, rewriter, model, textCache, listener);
    }
}
