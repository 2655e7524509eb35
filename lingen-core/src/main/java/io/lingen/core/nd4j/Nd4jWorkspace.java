package io.lingen.core.nd4j;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A workspace of ND4J arrays, which it frees when it is closed. */
final class Nd4jWorkspace implements Workspace {
    private final Nd4jKernels owner;
    private final MemoryMeter meter;
    private final List<INDArray> arrays = new ArrayList<>();
    private long bytes;
    private boolean closed;

    Nd4jWorkspace(Nd4jKernels owner, MemoryMeter meter) {
        this.owner = owner;
        this.meter = meter;
    }

    Nd4jKernels owner() {
        return owner;
    }

    @Override
    public Tensor allocate(DType dtype, Shape shape) {
        return new Nd4jTensor(owner, array(Nd4jTensor.dataType(dtype), shape.elements()), dtype, shape);
    }

    /** Returns a new vector with undefined contents. */
    INDArray array(DataType type, long elements) {
        if (closed) {
            throw new IllegalStateException("the workspace is closed; allocate tensors before closing it");
        }
        if (elements == 0) {
            return Nd4j.empty(type);
        }
        INDArray array = Nd4jRuntime.outOfScopes(
                elements + " elements of " + type, () -> Nd4j.createUninitialized(type, elements));
        arrays.add(array);
        bytes += elements * type.width();
        meter.allocated(elements * type.width());
        return array;
    }

    @Override
    public void close() {
        closed = true;
        arrays.forEach(INDArray::close);
        arrays.clear();
        meter.freed(bytes);
        bytes = 0;
    }
}
