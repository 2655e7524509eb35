package io.lingen.cpu.internal.backend;

import io.lingen.core.DType;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.dnnl.Dnnl;
import io.lingen.cpu.internal.dnnl.DnnlConvolutionKernel;
import io.lingen.cpu.internal.dnnl.DnnlLinearKernel;
import io.lingen.cpu.internal.dnnl.DnnlMatrixKernel;
import io.lingen.cpu.internal.kernel.AttentionKernel;
import io.lingen.cpu.internal.kernel.ChunkedScanKernel;
import io.lingen.cpu.internal.kernel.ConvolutionKernel;
import io.lingen.cpu.internal.kernel.LinearAttentionKernel;
import io.lingen.cpu.internal.kernel.LinearKernel;
import io.lingen.cpu.internal.kernel.MatrixKernel;
import io.lingen.cpu.internal.kernel.PackedConvolutionKernel;
import io.lingen.cpu.internal.kernel.PackedLinearKernel;
import io.lingen.cpu.internal.kernel.PackedMatrixKernel;
import io.lingen.cpu.internal.kernel.RecurrentScanKernel;
import io.lingen.cpu.internal.kernel.SelectiveScanKernel;
import io.lingen.cpu.internal.kernel.TiledAttentionKernel;
import io.lingen.cpu.internal.loop.ChunkKernels;
import io.lingen.cpu.internal.loop.FloatKernels;
import io.lingen.cpu.internal.loop.FloatKernelsLookup;
import io.lingen.cpu.internal.loop.ScalarFloatKernels;
import org.jspecify.annotations.Nullable;

/**
 * The selected implementation of each operation that has several.
 *
 * @param matrixProducts a human-readable name of the implementation of matrix products
 * @param dnnl the library, or null for Java
 */
record KernelSet(
        FloatKernels loops,
        String matrixProducts,
        LinearKernel linear,
        ConvolutionKernel convolution,
        AttentionKernel attention,
        LinearAttentionKernel linearAttention,
        SelectiveScanKernel selectiveScan,
        @Nullable Dnnl dnnl)
        implements AutoCloseable {

    /** The level of acceleration. */
    enum Level {
        /** oneDNN and the Vector API, as far as available. */
        BEST,
        /** The Vector API, if available. */
        JAVA,
        /** Plain Java. */
        SCALAR
    }

    static KernelSet choose(Level level, WorkerPool pool, SizeClassAllocator memory) {
        FloatKernels loops = level == Level.SCALAR ? new ScalarFloatKernels() : FloatKernelsLookup.best();
        Dnnl dnnl = level == Level.BEST ? Dnnl.open(pool.size(), memory) : null;
        if (dnnl == null) {
            MatrixKernel matrix = new PackedMatrixKernel(loops);
            return new KernelSet(
                    loops,
                    "Java",
                    new PackedLinearKernel(pool, memory, loops),
                    new PackedConvolutionKernel(pool, memory, loops),
                    new TiledAttentionKernel(pool, memory, loops, matrix),
                    new LinearAttentionKernel(pool, memory, loops, matrix),
                    new RecurrentScanKernel(pool, memory, loops),
                    null);
        }
        MatrixKernel matrix = new DnnlMatrixKernel(dnnl, loops);
        return new KernelSet(
                loops,
                dnnl.description(),
                new DnnlLinearKernel(dnnl, pool, memory, loops),
                new DnnlConvolutionKernel(dnnl, pool, memory, loops),
                new TiledAttentionKernel(pool, memory, loops, matrix),
                new LinearAttentionKernel(pool, memory, loops, matrix),
                new ChunkedScanKernel(pool, memory, loops, ChunkKernels.best(), matrix),
                dnnl);
    }

    /** Returns the type in which weights of a type are packed. */
    DType packedType(DType dtype) {
        return dnnl == null ? dtype : dnnl.gemmType(dtype);
    }

    /** Begins an operation. Until the same thread calls {@link #end}, no native object is freed. */
    void begin() {
        if (dnnl != null) {
            dnnl.begin();
        }
    }

    /** Ends an operation. */
    void end() {
        if (dnnl != null) {
            dnnl.end();
        }
    }

    /** Frees the objects of native libraries. */
    @Override
    public void close() {
        if (dnnl != null) {
            dnnl.close();
        }
    }
}
