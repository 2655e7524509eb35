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
 * Host tensors to the device and back. F32 and BF16 travel as they are stored and are converted on the device; other types are made F32
 * on the host. Large tensors go in parts, so that nothing is held twice.
 */
public final class Transfer {
    /** Elements converted at a time. */
    private static final long PART = 4L << 20;

    private final Device device;
    private final SlabAllocator memory;
    private final Elementwise elementwise;

    public Transfer(Device device, SlabAllocator memory, Elementwise elementwise) {
        this.device = device;
        this.memory = memory;
        this.elementwise = elementwise;
    }

    /** Overwrites a tensor's elements, converted to its type. */
    public void write(HostTensor source, PooledTensor target) {
        if (source.dtype() == target.dtype()) {
            device.upload(source.memory(), target.address());
            return;
        }
        DType travelling = source.dtype().isComputeType() ? source.dtype() : DType.F32;
        long elements = source.shape().elements();
        long part = Math.min(PART, elements);
        SlabAllocator.Block landing = memory.allocate(part * travelling.bytes());
        for (long from = 0; from < elements; from += part) {
            long count = Math.min(part, elements - from);
            device.upload(travelling(source, from, count), landing.address());
            elementwise.convert(
                    landing.address(),
                    travelling == DType.BF16,
                    target.address() + from * target.dtype().bytes(),
                    PooledTensor.isBf16(target),
                    count);
        }
        memory.release(landing);
    }

    private static MemorySegment travelling(HostTensor source, long from, long count) {
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

    /** A tensor's elements as F32 on the host; waits for all work so far. */
    public HostTensor read(PooledTensor tensor) {
        Shape shape = tensor.shape();
        long elements = shape.elements();
        MemorySegment host = elements <= Integer.MAX_VALUE - 8
                ? MemorySegment.ofArray(new float[(int) elements])
                : Arena.ofAuto().allocate(elements * Float.BYTES, Float.BYTES);
        if (tensor.dtype() == DType.F32) {
            device.download(tensor.address(), host);
        } else {
            // Half the bytes travel, and the device need not hold an F32 copy.
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
     * A tensor's elements as 8-bit pixels on the host, a byte of each; waits for all work so far.
     *
     * @param target as long as the tensor
     * @return whether all elements are numbers
     */
    public boolean readPixels(PooledTensor tensor, byte[] target) {
        long room = Math.ceilDiv(target.length, 8) * 8L;
        byte[] faults = new byte[Math.toIntExact(Elementwise.blocks(target.length))];
        SlabAllocator.Block pixels = memory.allocate(room + faults.length);
        try {
            elementwise.pixels(tensor, pixels.address(), pixels.address() + room);
            device.download(pixels.address(), MemorySegment.ofArray(target));
            device.download(pixels.address() + room, MemorySegment.ofArray(faults));
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
