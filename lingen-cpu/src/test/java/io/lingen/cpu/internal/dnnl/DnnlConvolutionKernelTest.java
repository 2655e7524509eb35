package io.lingen.cpu.internal.dnnl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;
import io.lingen.cpu.internal.loop.FloatKernelsLookup;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Memory that packed convolutions take. */
class DnnlConvolutionKernelTest {
    private static final int CHANNELS = 96;

    /** The library may ask for the weights in another layout for another size of the input. */
    @ParameterizedTest
    @CsvSource({"F32, 3, 3, 3", "BF16, 3, 3, 3", "F32, 1, 3, 3", "BF16, 3, 1, 1"})
    void weightsAreKeptInFewLayouts(DType dtype, int kt, int kh, int kw) {
        FloatKernels loops = FloatKernelsLookup.best();
        SizeClassAllocator memory = new SizeClassAllocator();
        Dnnl dnnl = Dnnl.open(2, memory);
        assumeTrue(dnnl != null, "no oneDNN for this platform");
        try (WorkerPool pool = new WorkerPool(2, memory)) {
            DnnlConvolutionKernel kernel = new DnnlConvolutionKernel(dnnl, pool, memory, loops);
            Dims3 size = new Dims3(kt, kh, kw);
            ConvolutionParameters source = new ConvolutionParameters(
                    HostTensor.of(new float[CHANNELS * CHANNELS * (int) size.volume()], CHANNELS, CHANNELS, kt, kh, kw),
                    HostTensor.of(new float[CHANNELS], CHANNELS),
                    Dims3.ONE,
                    Padding.same(new Dims3(1, kh, kw)));
            long weightBytes =
                    source.weight().shape().elements() * dnnl.gemmType(dtype).bytes();
            long used;
            try (PooledWorkspace weights = new PooledWorkspace(memory, new MemoryMeter())) {
                ConvolutionWeights packed = kernel.pack(weights, source, dtype);
                // The sizes of the levels of an autoencoder, for videos of several sizes, in pieces of one and two
                // frames.
                for (int width : new int[] {26, 30, 52, 60, 104, 120}) {
                    for (int frames = 1; frames <= 2; frames++) {
                        run(kernel, packed, Shape.of(frames + kt - 1, 40, width, CHANNELS), memory, loops);
                    }
                }
                used = memory.usedBytes();
            }
            long freed = used - memory.usedBytes();
            assertTrue(
                    freed >= weightBytes && freed <= 4 * weightBytes,
                    () -> freed + " bytes for weights of " + weightBytes);
        }
        dnnl.close();
        assertEquals(0, memory.usedBytes(), "memory that closed weights hold");
        memory.close();
    }

    private static void run(
            DnnlConvolutionKernel kernel,
            ConvolutionWeights packed,
            Shape shape,
            SizeClassAllocator memory,
            FloatKernels loops) {
        try (PooledWorkspace video = new PooledWorkspace(memory, new MemoryMeter())) {
            PooledTensor x = video.allocate(packed.dtype(), shape);
            PooledTensor out =
                    video.allocate(packed.dtype(), packed.parameters().outputOf(shape));
            loops.fill(0, x.address(), (int) (x.byteSize() / Float.BYTES));
            kernel.compute(x, packed, out);
        }
    }
}
