package io.lingen.cpu;

import io.lingen.cpu.internal.CpuMemory;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.kernel.AttentionKernel;
import io.lingen.cpu.internal.kernel.ConvolutionKernel;
import io.lingen.cpu.internal.kernel.LinearKernel;
import io.lingen.cpu.internal.kernel.MatrixKernel;
import io.lingen.cpu.internal.kernel.PackedConvolutionKernel;
import io.lingen.cpu.internal.kernel.PackedLinearKernel;
import io.lingen.cpu.internal.kernel.PackedMatrixKernel;
import io.lingen.cpu.internal.kernel.RecurrentScanKernel;
import io.lingen.cpu.internal.kernel.SelectiveScanKernel;
import io.lingen.cpu.internal.kernel.TiledAttentionKernel;
import io.lingen.cpu.internal.span.ScalarSpans;
import io.lingen.cpu.internal.span.Spans;
import io.lingen.cpu.internal.span.SpansLookup;

/**
 * The kernels of which there are several, as chosen for a backend.
 *
 * @param products what forms products, for people
 */
record CpuKernels(
        Spans spans,
        String products,
        LinearKernel linear,
        ConvolutionKernel convolution,
        AttentionKernel attention,
        SelectiveScanKernel selectiveScan) {

    /** How much of the machine to use. */
    enum Level {
        /** Everything that is found. */
        BEST,
        /** Java with the Vector API where it is there. */
        JAVA,
        /** Java alone. */
        SCALAR
    }

    static CpuKernels choose(Level level, WorkerPool pool, CpuMemory memory) {
        Spans spans = level == Level.SCALAR ? new ScalarSpans() : SpansLookup.best();
        MatrixKernel matrix = new PackedMatrixKernel(spans);
        return new CpuKernels(
                spans,
                "Java",
                new PackedLinearKernel(pool, memory, spans),
                new PackedConvolutionKernel(pool, memory, spans),
                new TiledAttentionKernel(pool, spans, matrix),
                new RecurrentScanKernel(pool, memory, spans));
    }
}
