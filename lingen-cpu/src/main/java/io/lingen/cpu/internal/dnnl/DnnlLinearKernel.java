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

/** Linear layers on oneDNN: weights in the library's layout, epilogues fused into the product. */
public final class DnnlLinearKernel implements LinearKernel {
    private static final int TILE = 128;
    private static final int SMALL_TILE = 64;
    /** With fewer large tiles per thread than this, half the size spreads the work more evenly. */
    private static final int TILES_PER_THREAD = 16;

    private final Dnnl dnnl;
    private final WorkerPool pool;
    private final FloatKernels loops;
    private final WeightPacking packing;

    public DnnlLinearKernel(Dnnl dnnl, WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.dnnl = dnnl;
        this.pool = pool;
        this.loops = loops;
        this.packing = new WeightPacking(dnnl, pool, memory, loops);
    }

    /** @param bias the address of {@code out} F32 elements, or 0 */
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

    /** From [out, in] row by row to the packed layout of its transpose. */
    private record Reordering(int in, int out, DType dtype) {}

    @Override
    public LinearWeights pack(PooledWorkspace workspace, LinearParameters source, DType dtype) {
        int out = Math.toIntExact(source.weight().shape().length(0));
        int in = Math.toIntExact(source.weight().shape().length(1));
        DType stored = dnnl.productType(dtype);
        long bias = 0;
        HostTensor hostBias = source.bias();
        if (hostBias != null) {
            bias = workspace.allocateBytes((long) out * Float.BYTES);
            HostTransfer.read(hostBias, bias, DType.F32, loops);
        }
        long packed = dnnl.products().weightsLayout(in, out, stored);
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
        DType stored = Dnnl.storedType(dnnl.productType(packed.dtype), out.dtype());
        Primitive last = product(packed, rest, epilogue, stored);
        Primitive whole = tiles == 1 ? last : product(packed, tile, epilogue, stored);
        boolean adds = after(epilogue.kind()).adds();
        // The primitive's arguments end with those of bias and gate that it has.
        long fourth = packed.bias == 0 ? gate : packed.bias;
        pool.forEach(tiles, (task, worker) -> {
            boolean isLast = task == tiles - 1;
            long row = (long) task * tile;
            long input = input(x, row, isLast ? rest : tile, packed, worker);
            Primitive product = isLast ? last : whole;
            if (stored == out.dtype()) {
                product.execute(worker, input, packed.weight, out.rowAddress(row), fourth, gate);
                return;
            }
            int elements = (isLast ? rest : tile) * packed.out;
            long sums = worker.scratch().bytes((long) elements * stored.bytes());
            if (adds) {
                loops.load(out.rowAddress(row), out.dtype(), sums, elements);
            }
            product.execute(worker, input, packed.weight, sums, fourth, gate);
            loops.store(sums, out.rowAddress(row), out.dtype(), elements);
        });
    }

    private Primitive product(Packed packed, int rows, Epilogue epilogue, DType out) {
        DType type = dnnl.productType(packed.dtype);
        return dnnl.products()
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

    /** The address of rows of x in the products' type, rounded to the weights'. */
    private long input(PooledTensor x, long row, int rows, Packed packed, Worker worker) {
        DType stored = dnnl.productType(packed.dtype);
        long source = x.rowAddress(row);
        if (InputConversion.fit(x.dtype(), packed.dtype, stored)) {
            return source;
        }
        int elements = rows * packed.in;
        long target = worker.scratch().bytes((long) elements * stored.bytes());
        InputConversion.convert(loops, source, x.dtype(), packed.dtype, stored, target, elements, worker.scratch());
        return target;
    }
}
