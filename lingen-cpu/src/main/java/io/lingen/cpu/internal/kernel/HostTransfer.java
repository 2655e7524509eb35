package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.internal.BFloat16;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.loop.FloatKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Copies between host tensors and off-heap elements with conversion. All work is on the calling thread, to which host memory may be
 * confined.
 */
public final class HostTransfer {
    private static final int CHUNK = 1 << 16;

    private HostTransfer() {}

    /**
     * Copies the elements of a host tensor to an address.
     *
     * @param source the elements, of any type
     * @param target the address of the first element
     * @param dtype the type of the target, F32 or BF16
     * @param loops the inner loops
     */
    public static void read(HostTensor source, long target, DType dtype, FloatKernels loops) {
        long elements = source.shape().elements();
        if (source.dtype() == dtype) {
            MemorySegment.copy(source.memory(), 0, RawMemory.ALL, target, elements * dtype.bytes());
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate((long) CHUNK * Float.BYTES, RawMemory.ALIGNMENT);
            for (long from = 0; from < elements; from += CHUNK) {
                int n = (int) Math.min(CHUNK, elements - from);
                long to = target + from * dtype.bytes();
                if (source.dtype() == DType.BF16 || source.dtype() == DType.F32) {
                    int bytes = source.dtype().bytes();
                    MemorySegment.copy(source.memory(), from * bytes, chunk, 0, (long) n * bytes);
                    convert(chunk.address(), source.dtype(), to, dtype, n, loops);
                } else {
                    for (int i = 0; i < n; i++) {
                        set(to, dtype, i, source.get(from + i));
                    }
                }
            }
        }
    }

    /**
     * {@return the elements of a tensor as F32 on the host}
     *
     * @param tensor F32 or BF16
     * @param loops the inner loops
     */
    public static HostTensor download(PooledTensor tensor, FloatKernels loops) {
        long elements = tensor.shape().elements();
        MemorySegment memory = elements <= Integer.MAX_VALUE - 8
                ? MemorySegment.ofArray(new float[(int) elements])
                : Arena.ofAuto().allocate(elements * Float.BYTES, Float.BYTES);
        download(tensor, memory, loops);
        return new HostTensor(DType.F32, tensor.shape(), memory);
    }

    /**
     * Copies the elements of a tensor, as F32, to an array.
     *
     * @param tensor F32 or BF16
     * @param target has as many entries as the tensor has elements
     * @param loops the inner loops
     */
    public static void download(PooledTensor tensor, float[] target, FloatKernels loops) {
        download(tensor, MemorySegment.ofArray(target), loops);
    }

    private static void download(PooledTensor tensor, MemorySegment memory, FloatKernels loops) {
        long elements = tensor.shape().elements();
        if (tensor.dtype() == DType.F32) {
            MemorySegment.copy(RawMemory.ALL, tensor.address(), memory, 0, elements * Float.BYTES);
        } else {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment chunk = arena.allocate((long) CHUNK * Float.BYTES, RawMemory.ALIGNMENT);
                for (long from = 0; from < elements; from += CHUNK) {
                    int n = (int) Math.min(CHUNK, elements - from);
                    loops.widen(tensor.address() + from * Short.BYTES, chunk.address(), n);
                    MemorySegment.copy(chunk, 0, memory, from * Float.BYTES, (long) n * Float.BYTES);
                }
            }
        }
    }

    private static void convert(long source, DType from, long target, DType to, int n, FloatKernels loops) {
        if (to == DType.BF16) {
            loops.narrow(source, target, n);
        } else {
            loops.load(source, from, target, n);
        }
    }

    private static void set(long address, DType dtype, long index, float value) {
        if (dtype == DType.F32) {
            RawMemory.setFloat(address + index * Float.BYTES, value);
        } else {
            RawMemory.setShort(address + index * Short.BYTES, BFloat16.fromFloat(value));
        }
    }
}
