package io.lingen.core.dryrun;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.spi.MemoryPool;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tensors without elements. */
final class DryRunWorkspace implements Workspace {
    private final MemoryPool pool;
    private final MemoryMeter meter;
    private final List<Runnable> taken = new ArrayList<>();
    private long bytes;
    private boolean closed;

    DryRunWorkspace(MemoryPool pool, MemoryMeter meter) {
        this.pool = pool;
        this.meter = meter;
    }

    private record ShapedTensor(DType dtype, Shape shape) implements Tensor {
        @Override
        public Tensor reshape(Shape other) {
            return new ShapedTensor(dtype, shape.reshape(other));
        }

        @Override
        public Tensor slice(long from, long to) {
            return new ShapedTensor(dtype, shape.slice(from, to));
        }

        @Override
        public @Nullable MemorySegment hostMemory() {
            return null;
        }
    }

    @Override
    public Tensor allocate(DType dtype, Shape shape) {
        if (closed) {
            throw new IllegalStateException("this workspace is closed, found an allocation of " + shape);
        }
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("tensors are F32 or BF16, found " + dtype);
        }
        Tensor tensor = new ShapedTensor(dtype, shape);
        meter.allocated(tensor.byteSize());
        bytes += tensor.byteSize();
        taken.add(pool.take(tensor.byteSize()));
        return tensor;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            meter.freed(bytes);
            taken.forEach(Runnable::run);
        }
    }
}
