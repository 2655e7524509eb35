package io.lingen;

import io.lingen.core.BackendOptions;
import io.lingen.core.Backends;
import io.lingen.core.DType;
import io.lingen.text.PromptRewriter;

/**
 * How a pipeline computes; fixed when it is loaded, because weights are packed for it.
 *
 * @param backend a name that {@link Backends#create} knows: "auto", "cpu", "nd4j", "cuda"
 * @param precision of products and of what lies between them: BF16 or F32
 * @param threads host threads to compute with, 1 to {@value BackendOptions#MAX_THREADS}
 * @param rewriter what a prompt goes through before it is encoded
 */
public record PipelineOptions(String backend, DType precision, int threads, PromptRewriter rewriter) {
    public PipelineOptions {
        if (!precision.isComputeType()) {
            throw new IllegalArgumentException("the precision is BF16 or F32, found " + precision);
        }
        new BackendOptions(threads);
    }

    /** The best backend, BF16, all processors, prompts as they are. */
    public static PipelineOptions defaults() {
        return new PipelineOptions(
                Backends.AUTO, DType.BF16, Runtime.getRuntime().availableProcessors(), PromptRewriter.IDENTITY);
    }

    /** These options with another backend. */
    public PipelineOptions withBackend(String name) {
        return new PipelineOptions(name, precision, threads, rewriter);
    }

    /** These options with another precision. */
    public PipelineOptions withPrecision(DType type) {
        return new PipelineOptions(backend, type, threads, rewriter);
    }

    /** These options with another number of threads. */
    public PipelineOptions withThreads(int number) {
        return new PipelineOptions(backend, precision, number, rewriter);
    }

    /** These options with another rewriter. */
    public PipelineOptions withRewriter(PromptRewriter other) {
        return new PipelineOptions(backend, precision, threads, other);
    }
}
