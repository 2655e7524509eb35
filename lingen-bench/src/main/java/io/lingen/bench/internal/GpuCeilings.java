package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearWeights;

/**
 * The measured peak rates of a device.
 *
 * @param bytesPerSecond the bytes read and written by a large copy
 * @param operationsPerSecond the operations of a large BF16 GEMM
 */
record GpuCeilings(double bytesPerSecond, double operationsPerSecond) {
    static GpuCeilings measure(Backend backend, GpuTimer timer, boolean small) {
        long elements = small ? 1 << 12 : 1L << 30;
        int n = small ? 64 : 8192;
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor from = GpuKernels.normal(backend, workspace, DType.F32, elements);
            Tensor to = workspace.allocate(DType.F32, elements);
            double copy = timer.millis(() -> backend.copy(from, to));
            Tensor x = GpuKernels.normal(backend, workspace, DType.BF16, n, n);
            Tensor y = workspace.allocate(DType.BF16, n, n);
            LinearWeights weights = GpuKernels.weights(backend, workspace, n, n);
            double gemm = timer.millis(() -> backend.linear(x, weights, Epilogue.NONE, y));
            return new GpuCeilings(8.0 * elements / copy * 1e3, 2.0 * n * n * n / gemm * 1e3);
        }
    }
}
