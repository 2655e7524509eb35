package io.lingen.core.dryrun;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A tensor without elements: a shape and a type. */
record DryRunTensor(DryRunStore store, DType dtype, Shape shape) implements Tensor {
    @Override
    public Tensor reshape(Shape other) {
        return new DryRunTensor(store, dtype, shape.reshape(other));
    }

    @Override
    public Tensor slice(long from, long to) {
        return new DryRunTensor(store, dtype, shape.slice(from, to));
    }

    @Override
    public @Nullable MemorySegment hostMemory() {
        return null;
    }
}
