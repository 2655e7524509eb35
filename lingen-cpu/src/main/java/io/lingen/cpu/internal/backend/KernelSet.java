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
 * The kernels of which there are several, as chosen for a backend.
 *
 * @param products what forms products, for people
 * @param dnnl what forms them; null for Java
 */
record KernelSet(
        FloatKernels loops,
        String products,
        LinearKernel linear,
        ConvolutionKernel convolution,
        AttentionKernel attention,
        SelectiveScanKernel selectiveScan,
        @Nullable Dnnl dnnl)
        implements AutoCloseable {

    /** How much of the machine to use. */
    enum Level {
        /** Everything that is found. */
        BEST,
        /** Java with the Vector API where it is there. */
        JAVA,
        /** Java alone. */
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
                new ChunkedScanKernel(pool, memory, loops, ChunkKernels.best(), matrix),
                dnnl);
    }

    /** The type in which weights of a type are packed. */
    DType packedType(DType dtype) {
        return dnnl == null ? dtype : dnnl.productType(dtype);
    }

    /** Begins an operation: what it uses of native libraries stays until the same thread {@link #end}s it. */
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

    /** Frees what native libraries hold. */
    @Override
    public void close() {
        if (dnnl != null) {
            dnnl.close();
        }
    }
}
