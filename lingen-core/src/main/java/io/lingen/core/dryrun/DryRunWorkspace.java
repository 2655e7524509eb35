package io.lingen.core.dryrun;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import java.util.ArrayList;
import java.util.List;

/** A workspace of tensors without elements. Their bytes are taken from the pool of the store. */
final class DryRunWorkspace implements Workspace {
    private final DryRunStore store;
    private final MemoryMeter meter;
    private final List<Runnable> taken = new ArrayList<>();
    private long bytes;
    private boolean closed;

    DryRunWorkspace(DryRunStore store, MemoryMeter meter) {
        this.store = store;
        this.meter = meter;
    }

    DryRunStore store() {
        return store;
    }

    @Override
    public Tensor allocate(DType dtype, Shape shape) {
        if (closed) {
            throw new IllegalStateException("the workspace is closed; allocate tensors before closing it");
        }
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("tensor must be F32 or BF16, found " + dtype);
        }
        Tensor tensor = new DryRunTensor(store, dtype, shape);
        meter.allocated(tensor.byteSize());
        bytes += tensor.byteSize();
        taken.add(store.pool().take(tensor.byteSize()));
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
