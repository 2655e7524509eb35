package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import java.util.ArrayList;
import java.util.List;

/** The rate of large matrix products on a backend, for comparison with the rate of a model. */
final class GemmRate implements AutoCloseable {
    private static final int WARM_UP = 2;

    private final Backend backend;
    private final Workspace workspace;
    private final LinearWeights weights;
    private final Tensor x;
    private final Tensor out;
    private final long operations;
    private final List<Double> rates = new ArrayList<>();

    /**
     * Allocates the matrices.
     *
     * @param precision the type of the products, F32 or BF16
     * @param side the number of rows, inputs and outputs
     */
    GemmRate(Backend backend, DType precision, int side) {
        this.backend = backend;
        this.workspace = backend.newWorkspace();
        Tensor random = workspace.allocate(DType.F32, side, side);
        backend.normal(1, random);
        HostTensor weight = backend.download(random);
        this.weights = backend.packLinear(workspace, new LinearParameters(weight, null), precision);
        this.x = backend.upload(workspace, weight, precision);
        this.out = workspace.allocate(precision, side, side);
        this.operations = 2L * side * side * side;
        for (int i = 0; i < WARM_UP; i++) {
            backend.linear(x, weights, Epilogue.NONE, out);
        }
    }

    /** Measures a product. */
    void measure() {
        long start = System.nanoTime();
        backend.linear(x, weights, Epilogue.NONE, out);
        rates.add(1e9 * operations / (System.nanoTime() - start));
    }

    /** Returns the median rate of all measured products, in operations per second. */
    double median() {
        return Timings.median(rates.stream().mapToDouble(rate -> rate).toArray());
    }

    @Override
    public void close() {
        workspace.close();
    }
}
