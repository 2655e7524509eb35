package io.lingen.cuda.internal.op;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.SlabAllocator;
import io.lingen.cuda.internal.driver.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Copies between host tensors and the device. F32 and BF16 are copied as stored and converted on the device. Other types are converted to
 * F32 on the host. Large tensors are copied in parts, which bounds the memory for conversion.
 */
public final class Transfer {
    /** The number of elements that are converted at a time. */
    private static final long PART = 4L << 20;

    private final Device device;
    private final SlabAllocator memory;
    private final Elementwise elementwise;

    /**
     * Creates the transfers of a device.
     *
     * @param device the device
     * @param memory the allocator of intermediate results
     * @param elementwise converts elements
     */
    public Transfer(Device device, SlabAllocator memory, Elementwise elementwise) {
        this.device = device;
        this.memory = memory;
        this.elementwise = elementwise;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#write}.
     *
     * @param source the elements, of any type
     * @param target has the shape of the source
     */
    public void write(HostTensor source, PooledTensor target) {
        if (source.dtype() == target.dtype()) {
            device.upload(source.memory(), target.address());
            return;
        }
        DType copied = source.dtype().isComputeType() ? source.dtype() : DType.F32;
        long elements = source.shape().elements();
        long part = Math.min(PART, elements);
        SlabAllocator.Block buffer = memory.allocate(part * copied.bytes());
        for (long from = 0; from < elements; from += part) {
            long count = Math.min(part, elements - from);
            device.upload(part(source, from, count), buffer.address());
            elementwise.convert(
                    buffer.address(),
                    copied == DType.BF16,
                    target.address() + from * target.dtype().bytes(),
                    PooledTensor.isBf16(target),
                    count);
        }
        memory.release(buffer);
    }

    /** Returns a range of elements, as stored or as F32. */
    private static MemorySegment part(HostTensor source, long from, long count) {
        if (source.dtype().isComputeType()) {
            int bytes = source.dtype().bytes();
            return source.memory().asSlice(from * bytes, count * bytes);
        }
        float[] values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = source.get(from + i);
        }
        return MemorySegment.ofArray(values);
    }

    /**
     * Copies the elements of a tensor to the host, and waits for them.
     *
     * @param tensor F32 or BF16
     * @return the elements as F32
     */
    public HostTensor read(PooledTensor tensor) {
        Shape shape = tensor.shape();
        long elements = shape.elements();
        MemorySegment host = elements <= Integer.MAX_VALUE - 8
                ? MemorySegment.ofArray(new float[(int) elements])
                : Arena.ofAuto().allocate(elements * Float.BYTES, Float.BYTES);
        if (tensor.dtype() == DType.F32) {
            device.download(tensor.address(), host);
        } else {
            // Copy BF16 and widen on the host: half the bytes, and no F32 copy on the device.
            for (long from = 0; from < elements; from += PART) {
                int count = (int) Math.min(PART, elements - from);
                short[] part = new short[count];
                device.download(tensor.address() + from * Short.BYTES, MemorySegment.ofArray(part));
                widen(part, host.asSlice(from * Float.BYTES, (long) count * Float.BYTES));
            }
        }
        return new HostTensor(DType.F32, shape, host);
    }

    /**
     * Copies the elements of a tensor to the host as 8-bit pixels, and waits for them.
     *
     * @param tensor F32 or BF16
     * @param target has as many entries as the tensor has elements
     * @return false if an element is NaN
     */
    public boolean readPixels(PooledTensor tensor, byte[] target) {
        long padded = Math.ceilDiv(target.length, 8) * 8L;
        byte[] faults = new byte[Math.toIntExact(Elementwise.blocks(target.length))];
        SlabAllocator.Block pixels = memory.allocate(padded + faults.length);
        try {
            elementwise.pixels(tensor, pixels.address(), pixels.address() + padded);
            device.download(pixels.address(), MemorySegment.ofArray(target));
            device.download(pixels.address() + padded, MemorySegment.ofArray(faults));
        } finally {
            memory.release(pixels);
        }
        for (byte fault : faults) {
            if (fault == Elementwise.FAULT) {
                return false;
            }
        }
        return true;
    }

    private static void widen(short[] from, MemorySegment to) {
        for (int i = 0; i < from.length; i++) {
            to.set(ValueLayout.JAVA_INT_UNALIGNED, (long) i * Float.BYTES, from[i] << 16);
        }
    }
}
