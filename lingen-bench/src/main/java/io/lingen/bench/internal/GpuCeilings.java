package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearWeights;

/**
 * What a device does at best, as measured on it: bytes read plus bytes written by a large copy, and operations of a large BF16 product.
 */
record GpuCeilings(double bytesPerSecond, double operationsPerSecond) {
    static GpuCeilings measure(Backend backend, GpuClock clock, boolean small) {
        long elements = small ? 1 << 12 : 1L << 30;
        int n = small ? 64 : 8192;
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor from = GpuKernels.normal(backend, workspace, DType.F32, elements);
            Tensor to = workspace.allocate(DType.F32, elements);
            double copy = clock.millis(() -> backend.copy(from, to));
            Tensor x = GpuKernels.normal(backend, workspace, DType.BF16, n, n);
            Tensor y = workspace.allocate(DType.BF16, n, n);
            LinearWeights weights = GpuKernels.weights(backend, workspace, n, n);
            double product = clock.millis(() -> backend.linear(x, weights, Epilogue.NONE, y));
            return new GpuCeilings(8.0 * elements / copy * 1e3, 2.0 * n * n * n / product * 1e3);
        }
    }
}
