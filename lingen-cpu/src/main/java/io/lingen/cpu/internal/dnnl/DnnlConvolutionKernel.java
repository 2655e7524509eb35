package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.kernel.ConvolutionKernel;
import io.lingen.cpu.internal.kernel.HostTransfer;
import io.lingen.cpu.internal.loop.FloatKernels;
import java.util.ArrayList;
import java.util.List;

/**
 * Convolutions on oneDNN. A task computes one output frame, or a band of its rows, from the input frames within the kernel. The input of a
 * band of rows from several frames is first copied to contiguous memory, because oneDNN is slow for other inputs. The primitive pads the
 * input at the borders of the video.
 */
public final class DnnlConvolutionKernel implements ConvolutionKernel {
    /** The smallest number of rows of a band. Smaller bands balance the work better, but their overhead is larger than this gain. */
    private static final int MIN_BAND_ROWS = 8;

    private static final int TASKS_PER_THREAD = 4;
    /** The number of tasks per thread if each task copies its input. */
    private static final int COPYING_TASKS_PER_THREAD = 2;

    /** The maximum size of a copied input, which a band of {@link #MIN_BAND_ROWS} rows may exceed. */
    private static final long MAX_COPY_BYTES = 4 << 20;

    /** The number of elements that are converted at a time. */
    private static final int PIECE = 1 << 14;

    private final Dnnl dnnl;
    private final WorkerPool pool;
    private final SizeClassAllocator memory;
    private final FloatKernels loops;
    private final WeightPacking packing;

    /**
     * Creates a kernel.
     *
     * @param dnnl the library
     * @param pool the threads
     * @param memory the allocator of intermediate results
     * @param loops the inner loops
     */
    public DnnlConvolutionKernel(Dnnl dnnl, WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.dnnl = dnnl;
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
        this.packing = new WeightPacking(dnnl, pool, memory, loops);
    }

    /** Packed weights, in every layout that a primitive has requested so far. The preferred layout depends on the size of the video. */
    private final class Packed implements ConvolutionWeights {
        private final ConvolutionParameters parameters;
        private final DType dtype;
        private final ConvolutionShape filter;
        private final long bias;
        /** Copies of the layouts, since their primitives may be freed. */
        private final List<Long> layouts = new ArrayList<>();

        private final List<SizeClassAllocator.Block> blocks = new ArrayList<>();

        private Packed(ConvolutionParameters parameters, DType dtype, ConvolutionShape filter, long bias) {
            this.parameters = parameters;
            this.dtype = dtype;
            this.filter = filter;
            this.bias = bias;
        }

        @Override
        public ConvolutionParameters parameters() {
            return parameters;
        }

        @Override
        public DType dtype() {
            return dtype;
        }

        /** Returns the address of the weights in the layout of a primitive. */
        private synchronized long weightFor(Primitive primitive) {
            long layout = primitive.layout(1);
            for (int i = 0; i < layouts.size(); i++) {
                if (DnnlCalls.equal(layouts.get(i), layout)) {
                    return blocks.get(i).address();
                }
            }
            SizeClassAllocator.Block block = memory.allocate(DnnlCalls.bytes(layout));
            Primitive reorder = Primitive.reorder(dnnl, filter.plainLayout(), layout);
            try {
                packing.pack(parameters.weight(), dtype, reorder, block.address());
            } finally {
                reorder.free();
            }
            layouts.add(DnnlCalls.copyOfLayout(layout));
            blocks.add(block);
            return block.address();
        }

        private synchronized void free() {
            blocks.forEach(memory::release);
            blocks.clear();
            layouts.forEach(DnnlCalls::freeLayout);
            layouts.clear();
        }
    }

    @Override
    public ConvolutionWeights pack(PooledWorkspace workspace, ConvolutionParameters source, DType dtype) {
        long bias = workspace.allocateBytes(source.outChannels() * Float.BYTES);
        HostTransfer.read(source.bias(), bias, DType.F32, loops);
        Packed packed = new Packed(source, dtype, ConvolutionShape.of(source, dnnl.gemmType(dtype)), bias);
        workspace.onClose(packed::free);
        return packed;
    }

    @Override
    public void compute(PooledTensor x, ConvolutionWeights weights, PooledTensor out) {
        Packed packed = (Packed) weights;
        DType stored = packed.filter.dtype();
        boolean converts = !InputConversion.isUnneeded(x.dtype(), packed.dtype, stored);
        DType target = Dnnl.storedType(stored, out.dtype());
        long inputBytes = converts ? x.shape().elements() * stored.bytes() : 0;
        long outputBytes = target != out.dtype() ? out.shape().elements() * target.bytes() : 0;
        if (inputBytes + outputBytes == 0) {
            compute(x.address(), x.shape(), packed, out.address(), out.shape(), target);
            return;
        }
        SizeClassAllocator.Block block = memory.allocate(RawMemory.aligned(inputBytes) + outputBytes);
        try {
            long input = converts ? block.address() : x.address();
            if (converts) {
                forEachPiece(
                        x,
                        (from, n, worker) -> InputConversion.convert(
                                loops,
                                x.address() + from * x.dtype().bytes(),
                                x.dtype(),
                                packed.dtype,
                                stored,
                                input + from * stored.bytes(),
                                n,
                                worker.scratch()));
            }
            long output = outputBytes > 0 ? block.address() + RawMemory.aligned(inputBytes) : out.address();
            compute(input, x.shape(), packed, output, out.shape(), target);
            if (outputBytes > 0) {
                forEachPiece(
                        out,
                        (from, n, worker) -> loops.store(
                                output + from * target.bytes(),
                                out.address() + from * out.dtype().bytes(),
                                out.dtype(),
                                n));
            }
        } finally {
            memory.release(block);
        }
    }

    private interface Piece {
        void run(long from, int elements, Worker worker);
    }

    private void forEachPiece(PooledTensor tensor, Piece piece) {
        int pieces = Math.toIntExact(Math.ceilDiv(tensor.shape().elements(), PIECE));
        pool.forEach(pieces, (task, worker) -> {
            long from = (long) task * PIECE;
            piece.run(from, (int) Math.min(PIECE, tensor.shape().elements() - from), worker);
        });
    }

    private void compute(long x, Shape from, Packed packed, long out, Shape to, DType target) {
        ConvolutionShape filter = packed.filter;
        int frames = Math.toIntExact(to.length(0));
        int rows = Math.toIntExact(to.length(1));
        long inputRow = from.length(2) * from.length(3) * filter.dtype().bytes();
        int bandRows = bandRows(filter, frames, rows, inputRow);
        int bands = Math.ceilDiv(rows, bandRows);
        int tasks = Math.multiplyExact(frames, bands);
        ConvolutionTile[] tiles = new ConvolutionTile[tasks];
        Primitive[] primitives = new Primitive[tasks];
        long[] packedWeights = new long[tasks];
        for (int task = 0; task < tasks; task++) {
            ConvolutionTile tile = tile(filter, from, to, task / bands, task % bands * bandRows, bandRows, target);
            tiles[task] = tile;
            primitives[task] = dnnl.primitive(tile, () -> tile.compile(dnnl));
            packedWeights[task] = packed.weightFor(primitives[task]);
        }
        long outputRow = to.length(2) * to.length(3) * target.bytes();
        pool.forEach(tasks, (task, worker) -> {
            int frame = task / bands;
            int row = task % bands * bandRows;
            long firstFrame = ConvolutionTile.first(filter, 0, frame);
            long firstRow = ConvolutionTile.first(filter, 1, row);
            long input = x + (firstFrame * from.length(1) + firstRow) * inputRow;
            boolean copies = bands > 1 && tiles[task].t().length() > 1;
            primitives[task].execute(
                    worker,
                    copies ? copy(input, from.length(1) * inputRow, tiles[task], inputRow, worker.scratch()) : input,
                    packedWeights[task],
                    out + ((long) frame * rows + row) * outputRow,
                    packed.bias,
                    0);
        });
    }

    private static ConvolutionTile tile(
            ConvolutionShape filter, Shape from, Shape to, int frame, int row, int bandRows, DType target) {
        int rows = Math.min(bandRows, Math.toIntExact(to.length(1)) - row);
        return new ConvolutionTile(
                filter,
                ConvolutionTile.extent(filter, 0, frame, 1, from.length(0)),
                ConvolutionTile.extent(filter, 1, row, rows, from.length(1)),
                Math.toIntExact(from.length(2)),
                rows,
                Math.toIntExact(to.length(2)),
                target);
    }

    /** Copies the input rows of a tile, from frames at a distance of {@code frameBytes}, to contiguous memory. */
    private static long copy(long input, long frameBytes, ConvolutionTile tile, long rowBytes, Scratch scratch) {
        long bytes = tile.h().length() * rowBytes;
        long target = scratch.bytes(tile.t().length() * bytes);
        for (int frame = 0; frame < tile.t().length(); frame++) {
            RawMemory.copy(input + frame * frameBytes, target + frame * bytes, bytes);
        }
        return target;
    }

    /** Returns the number of rows of a task: a frame, or fewer rows if there are too few frames for the threads. */
    private int bandRows(ConvolutionShape filter, int frames, int rows, long inputRow) {
        boolean copies = filter.kernel().t() > 1;
        int tasks = (copies ? COPYING_TASKS_PER_THREAD : TASKS_PER_THREAD) * pool.size();
        int bands = Math.ceilDiv(tasks, frames);
        if (bands < 2 || pool.size() == 1) {
            return rows;
        }
        long wanted = Math.ceilDiv(rows, bands);
        if (copies) {
            wanted = Math.min(wanted, MAX_COPY_BYTES / (filter.kernel().t() * inputRow));
        }
        return (int) Math.min(rows, Math.max(MIN_BAND_ROWS, wanted));
    }
}
