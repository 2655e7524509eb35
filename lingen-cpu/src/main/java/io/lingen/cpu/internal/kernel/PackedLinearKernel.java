package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Linear layers in Java. Weights are packed into panels in their own type. Sums stay in F32 until the end of the epilogue. */
public final class PackedLinearKernel implements LinearKernel {
    private static final int ROW_BLOCK = 64;
    private static final int COLUMN_BLOCK = 512;

    private final WorkerPool pool;
    private final SizeClassAllocator memory;
    private final FloatKernels loops;
    private final Panels panels;
    private final PackedMatrixKernel matrix;
    private final EpilogueKernel epilogues;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param memory the allocator of intermediate results
     * @param loops the inner loops
     */
    public PackedLinearKernel(WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
        this.panels = new Panels(loops);
        this.matrix = new PackedMatrixKernel(loops);
        this.epilogues = new EpilogueKernel(loops);
    }

    /** Packed weights: the panels of W^T. */
    private record Packed(int in, int out, DType dtype, long panels, long bias) implements LinearWeights {
        @Override
        public long inFeatures() {
            return in;
        }

        @Override
        public long outFeatures() {
            return out;
        }
    }

    @Override
    public LinearWeights pack(PooledWorkspace workspace, LinearParameters source, DType dtype) {
        int out = Math.toIntExact(source.weight().shape().length(0));
        int in = Math.toIntExact(source.weight().shape().length(1));
        long bias = 0;
        if (source.bias() != null) {
            bias = workspace.allocateBytes((long) out * Float.BYTES);
            HostTransfer.read(source.bias(), bias, DType.F32, loops);
        }
        long target = workspace.allocateBytes(panels.elements(in, out) * dtype.bytes());
        DType read = source.weight().dtype() == DType.BF16 ? DType.BF16 : DType.F32;
        SizeClassAllocator.Block block = memory.allocate((long) in * out * read.bytes());
        try {
            HostTransfer.read(source.weight(), block.address(), read, loops);
            MatrixView transposed = MatrixView.transposed(block.address(), read, in, out, in);
            int width = panels.width();
            pool.forEach(panels.count(out), (panel, worker) -> {
                Scratch scratch = worker.scratch();
                int columns = Math.min(width, out - panel * width);
                long floats = scratch.floats((long) in * width);
                panels.pack(transposed, 0, in, panel * width, columns, floats, scratch);
                long elements = (long) panel * in * width;
                for (int row = 0; row < in; row++) {
                    long at = (long) row * width;
                    loops.store(floats + at * Float.BYTES, target + (elements + at) * dtype.bytes(), dtype, width);
                }
            });
        } finally {
            memory.release(block);
        }
        return new Packed(in, out, dtype, target, bias);
    }

    @Override
    public void compute(PooledTensor x, LinearWeights weights, Epilogue epilogue, PooledTensor out) {
        Packed packed = (Packed) weights;
        int columnBlock = COLUMN_BLOCK / panels.width() * panels.width();
        long rows = x.shape().rows();
        int rowTasks = Math.toIntExact(Math.ceilDiv(rows, ROW_BLOCK));
        int columnTasks = Math.ceilDiv(packed.out, columnBlock);
        pool.forEach(Math.multiplyExact(rowTasks, columnTasks), (task, worker) -> {
            long row = (long) (task / columnTasks) * ROW_BLOCK;
            int column = task % columnTasks * columnBlock;
            block(
                    x,
                    packed,
                    epilogue,
                    out,
                    row,
                    (int) Math.min(ROW_BLOCK, rows - row),
                    column,
                    Math.min(columnBlock, packed.out - column),
                    worker.scratch());
        });
    }

    private void block(
            PooledTensor x,
            Packed weights,
            Epilogue epilogue,
            PooledTensor out,
            long row,
            int rows,
            int column,
            int columns,
            Scratch scratch) {
        int width = panels.width();
        long sums = scratch.floats((long) rows * columns);
        long input = scratch.floats((long) rows * PackedMatrixKernel.K_BLOCK);
        boolean bf16 = weights.dtype == DType.BF16;
        long widened = bf16 ? scratch.floats((long) PackedMatrixKernel.K_BLOCK * width) : 0;
        for (int kFrom = 0; kFrom < weights.in; kFrom += PackedMatrixKernel.K_BLOCK) {
            int depth = Math.min(PackedMatrixKernel.K_BLOCK, weights.in - kFrom);
            MatrixView left = input(x, row, rows, kFrom, depth, bf16, input, scratch);
            for (int at = 0; at < columns; at += width) {
                long element = (long) (column + at) * weights.in + (long) kFrom * width;
                long panel = weights.panels + element * weights.dtype.bytes();
                if (bf16) {
                    loops.widen(panel, widened, depth * width);
                    panel = widened;
                }
                matrix.multiplyPanel(
                        left,
                        panel,
                        sums + (long) at * Float.BYTES,
                        rows,
                        Math.min(width, columns - at),
                        columns,
                        kFrom > 0,
                        scratch);
            }
        }
        for (int i = 0; i < rows; i++) {
            long sum = sums + (long) i * columns * Float.BYTES;
            if (weights.bias != 0) {
                loops.add(sum, weights.bias + (long) column * Float.BYTES, sum, columns);
            }
            epilogues.store(sum, columns, epilogue, column, out, row + i, scratch);
        }
    }

    /** Returns a block of x in F32, rounded to the type of the weights. */
    private MatrixView input(
            PooledTensor x, long row, int rows, int kFrom, int depth, boolean rounded, long target, Scratch scratch) {
        long from = x.rowAddress(row) + (long) kFrom * x.dtype().bytes();
        if (x.dtype() == DType.F32 && !rounded) {
            return MatrixView.of(from, DType.F32, rows, depth, x.shape().last());
        }
        for (int i = 0; i < rows; i++) {
            long to = target + (long) i * depth * Float.BYTES;
            loops.load(from + i * x.rowBytes(), x.dtype(), to, depth);
            if (rounded && x.dtype() == DType.F32) {
                Panels.round(loops, to, depth, scratch);
            }
        }
        return MatrixView.of(target, DType.F32, rows, depth, depth);
    }
}
