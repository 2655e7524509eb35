package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * Convolutions in Java, as a sum of matrix products over the taps of the kernel: output row [W', O] += shifted input row [W', C] times the
 * tap's matrix [C, O]. In a channels-last video, the shifted row is a view, so no data is copied.
 */
public final class PackedConvolutionKernel implements ConvolutionKernel {
    private final WorkerPool pool;
    private final SizeClassAllocator memory;
    private final FloatKernels loops;
    private final Panels panels;
    private final PackedMatrixKernel matrix;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param memory the allocator of intermediate results
     * @param loops the inner loops
     */
    public PackedConvolutionKernel(WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
        this.panels = new Panels(loops);
        this.matrix = new PackedMatrixKernel(loops);
    }

    /** Packed weights: for each tap the panels of [C, O], in F32 but rounded to {@code dtype}. */
    private record Packed(ConvolutionParameters parameters, DType dtype, long panels, long bias)
            implements ConvolutionWeights {}

    @Override
    public ConvolutionWeights pack(PooledWorkspace workspace, ConvolutionParameters source, DType dtype) {
        int out = Math.toIntExact(source.outChannels());
        int in = Math.toIntExact(source.inChannels());
        int cells = Math.toIntExact(source.kernel().volume());
        HostTensor weight = source.weight();
        long bias = workspace.allocateBytes((long) out * Float.BYTES);
        HostTransfer.read(source.bias(), bias, DType.F32, loops);
        long perCell = panels.elements(in, out);
        long target = workspace.allocateBytes(perCell * cells * Float.BYTES);
        SizeClassAllocator.Block block = memory.allocate((long) out * in * cells * Float.BYTES);
        try {
            HostTransfer.read(weight, block.address(), DType.F32, loops);
            pool.forEach(cells, (cell, worker) -> {
                Scratch scratch = worker.scratch();
                long dense = scratch.floats((long) out * in);
                for (long i = 0; i < (long) out * in; i++) {
                    loops.copy(block.address() + (i * cells + cell) * Float.BYTES, dense + i * Float.BYTES, 1);
                }
                if (dtype == DType.BF16) {
                    for (int row = 0; row < out; row++) {
                        Panels.round(loops, dense + (long) row * in * Float.BYTES, in, scratch);
                    }
                }
                MatrixView transposed = MatrixView.transposed(dense, DType.F32, in, out, in);
                panels.pack(transposed, 0, in, 0, out, target + cell * perCell * Float.BYTES, scratch);
            });
        } finally {
            memory.release(block);
        }
        return new Packed(source, dtype, target, bias);
    }

    @Override
    public void compute(PooledTensor x, ConvolutionWeights weights, PooledTensor out) {
        Packed packed = (Packed) weights;
        long rows = out.shape().length(0) * out.shape().length(1);
        pool.forEach(Math.toIntExact(rows), (task, worker) -> {
            int height = (int) out.shape().length(1);
            row(x, packed, out, task / height, task % height, worker.scratch());
        });
    }

    private void row(PooledTensor x, Packed weights, PooledTensor out, int t, int h, Scratch scratch) {
        ConvolutionParameters source = weights.parameters;
        Dims3 kernel = source.kernel();
        Dims3 stride = source.stride();
        Shape from = x.shape();
        int width = (int) out.shape().length(2);
        int channels = (int) source.outChannels();
        long sums = scratch.floats((long) width * channels);
        for (int i = 0; i < width; i++) {
            loops.copy(weights.bias, sums + (long) i * channels * Float.BYTES, channels);
        }
        for (int kt = 0; kt < kernel.t(); kt++) {
            int sourceT = t * stride.t() + kt - source.padding().beforeT();
            for (int kh = 0; kh < kernel.h(); kh++) {
                int sourceH = h * stride.h() + kh - source.padding().beforeH();
                if (sourceT >= 0 && sourceT < from.length(0) && sourceH >= 0 && sourceH < from.length(1)) {
                    long mark = scratch.mark();
                    long input = input(x, weights.dtype, sourceT * from.length(1) + sourceH, scratch);
                    int firstCell = (kt * kernel.h() + kh) * kernel.w();
                    for (int kw = 0; kw < kernel.w(); kw++) {
                        cell(x, weights, input, firstCell + kw, kw, sums, width, scratch);
                    }
                    scratch.release(mark);
                }
            }
        }
        long target = out.rowAddress((t * out.shape().length(1) + h) * width);
        loops.store(sums, target, out.dtype(), width * channels);
    }

    private void cell(
            PooledTensor x, Packed weights, long input, int cell, int kw, long sums, int width, Scratch scratch) {
        ConvolutionParameters source = weights.parameters;
        int in = (int) source.inChannels();
        int channels = (int) source.outChannels();
        int stride = source.stride().w();
        int shift = kw - source.padding().beforeW();
        // The output columns whose input column w * stride + shift exists.
        int first = Math.max(0, Math.ceilDiv(-shift, stride));
        int last = Math.min(width - 1, Math.floorDiv((int) x.shape().length(2) - 1 - shift, stride));
        if (first > last) {
            return;
        }
        long address = input + ((long) first * stride + shift) * in * Float.BYTES;
        MatrixView left = MatrixView.of(address, DType.F32, last - first + 1, in, (long) stride * in);
        long panel = weights.panels + cell * panels.elements(in, channels) * Float.BYTES;
        long target = sums + (long) first * channels * Float.BYTES;
        matrix.multiplyPanels(left, panel, in, target, left.rows(), channels, channels, true, scratch);
    }

    /** Returns the address of an input row [W, C] in F32, rounded to the type of the weights. */
    private long input(PooledTensor x, DType dtype, long line, Scratch scratch) {
        int n = Math.toIntExact(x.shape().length(2) * x.shape().last());
        long address = x.rowAddress(line * x.shape().length(2));
        if (x.dtype() == DType.F32 && dtype == DType.F32) {
            return address;
        }
        long floats = scratch.floats(n);
        loops.load(address, x.dtype(), floats, n);
        if (x.dtype() == DType.F32) {
            Panels.round(loops, floats, n, scratch);
        }
        return floats;
    }
}
