package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.kernel.HostTransfer;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Conversion of host weights to the layout of a primitive. Thread-safe. */
final class WeightPacking {
    private static final int GRAIN = 1 << 14;

    private final Dnnl dnnl;
    private final WorkerPool pool;
    private final SizeClassAllocator memory;
    private final FloatKernels loops;

    WeightPacking(Dnnl dnnl, WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.dnnl = dnnl;
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
    }

    /**
     * Packs a weight.
     *
     * @param dtype the type to which its elements are rounded
     * @param reorder the conversion from the plain layout, in the type {@link Dnnl#gemmType}, to the packed layout
     * @param target the address of the packed elements
     */
    void pack(HostTensor weight, DType dtype, Primitive reorder, long target) {
        DType stored = dnnl.gemmType(dtype);
        SizeClassAllocator.Block plain = memory.allocate(weight.shape().elements() * stored.bytes());
        try {
            if (stored == dtype) {
                HostTransfer.read(weight, plain.address(), stored, loops);
            } else {
                readRounded(weight, dtype, plain.address(), stored);
            }
            pool.forEach(1, (task, worker) -> reorder.execute(worker, plain.address(), target));
        } finally {
            memory.release(plain);
        }
        weight.unload();
    }

    private void readRounded(HostTensor weight, DType dtype, long target, DType stored) {
        long elements = weight.shape().elements();
        SizeClassAllocator.Block rounded = memory.allocate(elements * dtype.bytes());
        try {
            HostTransfer.read(weight, rounded.address(), dtype, loops);
            pool.forRanges(elements, GRAIN, (from, to, worker) -> {
                long source = rounded.address() + from * dtype.bytes();
                loops.load(source, dtype, target + from * stored.bytes(), Math.toIntExact(to - from));
            });
        } finally {
            memory.release(rounded);
        }
    }
}
