package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.dnnl.MatmulShape.After;
import io.lingen.cpu.internal.kernel.HostTransfer;
import io.lingen.cpu.internal.kernel.LinearKernel;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Linear layers on oneDNN, with weights in the library's layout and epilogues fused into the GEMM. */
public final class DnnlLinearKernel implements LinearKernel {
    private static final int TILE = 128;
    private static final int SMALL_TILE = 64;
    /** The number of large tiles per thread below which small tiles balance the work better. */
    private static final int TILES_PER_THREAD = 16;

    private final Dnnl dnnl;
    private final WorkerPool pool;
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
    public DnnlLinearKernel(Dnnl dnnl, WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.dnnl = dnnl;
        this.pool = pool;
        this.loops = loops;
        this.packing = new WeightPacking(dnnl, pool, memory, loops);
    }

    /** Packed weights. The bias is the address of {@code out} F32 elements, or 0. */
    private record Packed(int in, int out, DType dtype, long weight, long bias) implements LinearWeights {
        @Override
        public long inFeatures() {
            return in;
        }

        @Override
        public long outFeatures() {
            return out;
        }
    }

    /** The key of a conversion from [out, in], stored row by row, to the packed layout of its transpose. */
    private record Reordering(int in, int out, DType dtype) {}

    @Override
    public LinearWeights pack(PooledWorkspace workspace, LinearParameters source, DType dtype) {
        int out = Math.toIntExact(source.weight().shape().length(0));
        int in = Math.toIntExact(source.weight().shape().length(1));
        DType stored = dnnl.gemmType(dtype);
        long bias = 0;
        HostTensor hostBias = source.bias();
        if (hostBias != null) {
            bias = workspace.allocateBytes((long) out * Float.BYTES);
            HostTransfer.read(hostBias, bias, DType.F32, loops);
        }
        long packed = dnnl.matmuls().weightsLayout(in, out, stored);
        long weight = workspace.allocateBytes(DnnlCalls.bytes(packed));
        packing.pack(source.weight(), dtype, reorder(new Reordering(in, out, stored), packed), weight);
        return new Packed(in, out, dtype, weight, bias);
    }

    private Primitive reorder(Reordering weight, long target) {
        return dnnl.primitive(weight, () -> {
            long source = DnnlCalls.layout(weight.dtype, new long[] {weight.in, weight.out}, new long[] {1, weight.in});
            return Primitive.reorder(dnnl, source, target);
        });
    }

    @Override
    public void compute(PooledTensor x, LinearWeights weights, Epilogue epilogue, PooledTensor out) {
        Packed packed = (Packed) weights;
        long rows = x.shape().rows();
        if (rows == 0) {
            return;
        }
        long gate = epilogue.gate() == null ? 0 : PooledTensor.addressOf(epilogue.gate());
        int tile = rows >= (long) TILE * TILES_PER_THREAD * pool.size() ? TILE : SMALL_TILE;
        int tiles = Math.toIntExact(Math.ceilDiv(rows, tile));
        int rest = (int) (rows - (tiles - 1L) * tile);
        DType stored = Dnnl.storedType(dnnl.gemmType(packed.dtype), out.dtype());
        Primitive last = matmul(packed, rest, epilogue, stored);
        Primitive full = tiles == 1 ? last : matmul(packed, tile, epilogue, stored);
        boolean adds = after(epilogue.kind()).adds();
        // The last arguments of the primitive are the bias and the gate, as far as present.
        long fourth = packed.bias == 0 ? gate : packed.bias;
        pool.forEach(tiles, (task, worker) -> {
            boolean isLast = task == tiles - 1;
            long row = (long) task * tile;
            long input = input(x, row, isLast ? rest : tile, packed, worker);
            Primitive matmul = isLast ? last : full;
            if (stored == out.dtype()) {
                matmul.execute(worker, input, packed.weight, out.rowAddress(row), fourth, gate);
                return;
            }
            int elements = (isLast ? rest : tile) * packed.out;
            long sums = worker.scratch().bytes((long) elements * stored.bytes());
            if (adds) {
                loops.load(out.rowAddress(row), out.dtype(), sums, elements);
            }
            matmul.execute(worker, input, packed.weight, sums, fourth, gate);
            loops.store(sums, out.rowAddress(row), out.dtype(), elements);
        });
    }

    private Primitive matmul(Packed packed, int rows, Epilogue epilogue, DType out) {
        DType type = dnnl.gemmType(packed.dtype);
        return dnnl.matmuls()
                .of(MatmulShape.packed(
                        rows, packed.in, packed.out, type, out, packed.bias != 0, after(epilogue.kind())));
    }

    private static After after(Epilogue.Kind kind) {
        switch (kind) {
            case NONE:
                return After.NONE;
            case GELU:
                return After.GELU;
            case SILU:
                return After.SILU;
            case ADD:
                return After.ADD;
            case GATED_ADD:
                return After.GATED_ADD;
            default:
                throw new IllegalArgumentException("unknown epilogue " + kind);
        }
    }

    /** Returns the address of rows of x in the GEMM's type, rounded to the type of the weights. */
    private long input(PooledTensor x, long row, int rows, Packed packed, Worker worker) {
        DType stored = dnnl.gemmType(packed.dtype);
        long source = x.rowAddress(row);
        if (InputConversion.isUnneeded(x.dtype(), packed.dtype, stored)) {
            return source;
        }
        int elements = rows * packed.in;
        long target = worker.scratch().bytes((long) elements * stored.bytes());
        InputConversion.convert(loops, source, x.dtype(), packed.dtype, stored, target, elements, worker.scratch());
        return target;
    }
}
