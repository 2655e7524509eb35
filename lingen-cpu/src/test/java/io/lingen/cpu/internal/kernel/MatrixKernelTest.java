package io.lingen.cpu.internal.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.DType;
import io.lingen.core.internal.BFloat16;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.dnnl.Dnnl;
import io.lingen.cpu.internal.dnnl.DnnlMatrixKernel;
import io.lingen.cpu.internal.loop.ScalarFloatKernels;
import io.lingen.cpu.internal.loop.VectorFloatKernels;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests matrix products of every layout and type against double precision, with sizes around those of tiles and blocks. */
class MatrixKernelTest {
    private static final int[][] SIZES = {
        {1, 1, 1}, {1, 17, 3}, {8, 32, 16}, {9, 33, 17}, {7, 31, 300}, {130, 70, 65}, {5, 515, 257}, {64, 1, 40}
    };

    /** Returns the kernels by name. */
    static Stream<Arguments> kernels() {
        return Stream.of(
                Arguments.of("scalar", (Factory) dnnl -> new PackedMatrixKernel(new ScalarFloatKernels())),
                Arguments.of("vector", (Factory) dnnl -> new PackedMatrixKernel(new VectorFloatKernels())),
                Arguments.of("oneDNN", (Factory) dnnl -> {
                    assumeTrue(dnnl != null, "no oneDNN for this platform");
                    return new DnnlMatrixKernel(dnnl, new VectorFloatKernels());
                }));
    }

    private interface Factory {
        MatrixKernel create(@Nullable Dnnl dnnl);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("kernels")
    void productsMatchDoublePrecision(String name, Factory factory) {
        Random random = new Random(3);
        try (SizeClassAllocator memory = new SizeClassAllocator();
                WorkerPool pool = new WorkerPool(1, memory);
                Dnnl dnnl = Dnnl.open(1, memory)) {
            MatrixKernel kernel = factory.create(dnnl);
            for (int[] size : SIZES) {
                // All 64 variants of small products, and a sample with a step coprime to 64 of large ones.
                int step = (long) size[0] * size[1] * size[2] > 100_000 ? 7 : 1;
                for (int variant = 0; variant < 64; variant += step) {
                    int bits = variant;
                    pool.forEach(1, (task, worker) -> check(kernel, worker, memory, size, bits, random));
                }
            }
        }
    }

    private static void check(
            MatrixKernel kernel,
            WorkerPool.Worker worker,
            SizeClassAllocator memory,
            int[] size,
            int variant,
            Random random) {
        int m = size[0];
        int n = size[1];
        int k = size[2];
        DType typeA = (variant & 1) == 0 ? DType.F32 : DType.BF16;
        DType typeB = (variant & 2) == 0 ? DType.F32 : DType.BF16;
        DType typeC = (variant & 4) == 0 ? DType.F32 : DType.BF16;
        boolean transposedA = (variant & 8) != 0;
        boolean transposedB = (variant & 16) != 0;
        boolean accumulate = (variant & 32) != 0;
        // Strides larger than the width, as in a range of columns of a wider matrix.
        int strideA = (transposedA ? m : k) + 3;
        int strideB = (transposedB ? k : n) + 5;
        int strideC = n + 2;
        int elements = (transposedA ? k : m) * strideA + (transposedB ? n : k) * strideB + m * strideC;
        SizeClassAllocator.Block block = memory.allocate((long) elements * Float.BYTES);
        try {
            MatrixView a = new MatrixView(block.address(), typeA, m, k, strideA, transposedA);
            long next = block.address() + (long) (transposedA ? k : m) * strideA * Float.BYTES;
            MatrixView b = new MatrixView(next, typeB, k, n, strideB, transposedB);
            next += (long) (transposedB ? n : k) * strideB * Float.BYTES;
            MatrixView c = MatrixView.of(next, typeC, m, n, strideC);
            for (MatrixView view : new MatrixView[] {a, b, c}) {
                for (int i = 0; i < view.rows(); i++) {
                    for (int j = 0; j < view.columns(); j++) {
                        set(view, i, j, (float) random.nextGaussian());
                    }
                }
            }
            double[] expected = new double[m * n];
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double sum = accumulate ? get(c, i, j) : 0;
                    for (int l = 0; l < k; l++) {
                        sum += (double) get(a, i, l) * get(b, l, j);
                    }
                    expected[i * n + j] = sum;
                }
            }
            long mark = worker.scratch().mark();
            kernel.multiply(a, b, c, accumulate, worker);
            assertEquals(mark, worker.scratch().mark(), "the scratch memory is restored");
            double tolerance = typeC == DType.BF16 ? 4e-3 : 1e-6 * Math.sqrt(k);
            for (int i = 0; i < m * n; i++) {
                double scale = Math.max(Math.sqrt(k), Math.abs(expected[i]));
                assertEquals(expected[i], get(c, i / n, i % n), tolerance * scale, "variant " + variant);
            }
        } finally {
            memory.release(block);
        }
    }

    private static float get(MatrixView view, int row, int column) {
        return view.dtype() == DType.F32
                ? RawMemory.getFloat(view.at(row, column))
                : BFloat16.toFloat(RawMemory.getShort(view.at(row, column)));
    }

    private static void set(MatrixView view, int row, int column, float value) {
        if (view.dtype() == DType.F32) {
            RawMemory.setFloat(view.at(row, column), value);
        } else {
            RawMemory.setShort(view.at(row, column), BFloat16.fromFloat(value));
        }
    }
}
