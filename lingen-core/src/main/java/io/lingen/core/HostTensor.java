package io.lingen.core;

import io.lingen.core.internal.BFloat16;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Elements in host memory, on the heap or mapped from a file: what checkpoints are read into and results are written from. Little-endian,
 * row-major, of any {@link DType}. The holder keeps its memory reachable: a mapped file stays mapped as long as a host tensor of it is in
 * use. Treated as immutable; thread-safe for reading.
 */
public final class HostTensor {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final DType dtype;
    private final Shape shape;
    private final MemorySegment memory;

    /**
     * Wraps memory without a copy.
     *
     * @throws IllegalArgumentException if the memory's size is not the shape's
     */
    public HostTensor(DType dtype, Shape shape, MemorySegment memory) {
        if (memory.byteSize() != Math.multiplyExact(shape.elements(), (long) dtype.bytes())) {
            throw new IllegalArgumentException("a tensor " + shape + " of " + dtype + " takes "
                    + shape.elements() * dtype.bytes() + " bytes, found " + memory.byteSize());
        }
        this.dtype = dtype;
        this.shape = shape;
        this.memory = memory;
    }

    private HostTensor(DType dtype, Shape shape) {
        this.dtype = dtype;
        this.shape = shape;
        this.memory = MemorySegment.NULL;
    }

    /** A tensor whose elements are not at hand, for what asks for shapes and types alone: reading an element or the memory fails. */
    public static HostTensor withoutElements(DType dtype, Shape shape) {
        return new HostTensor(dtype, shape);
    }

    /** A tensor of the given floats, not copied. */
    public static HostTensor of(float[] values, long... lengths) {
        Shape shape = Shape.of(lengths);
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new IllegalStateException("big-endian hosts are not supported");
        }
        return new HostTensor(DType.F32, shape, MemorySegment.ofArray(values));
    }

    public DType dtype() {
        return dtype;
    }

    public Shape shape() {
        return shape;
    }

    /**
     * The bytes of the elements.
     *
     * @throws IllegalStateException if it was made {@link #withoutElements}
     */
    public MemorySegment memory() {
        requireElements();
        return memory;
    }

    /**
     * Lets the system take back the physical memory of a mapped file's elements: weights that were packed need not lie in memory twice.
     * They stay readable and come from the file again. Does nothing to memory of another kind.
     */
    public void unload() {
        if (memory.isMapped()) {
            memory.unload();
        }
    }

    private boolean hasElements() {
        return memory.byteSize() > 0 || shape.elements() == 0;
    }

    private void requireElements() {
        if (!hasElements()) {
            throw new IllegalStateException("found a tensor " + this + " of which only the shape was read");
        }
    }

    /** The element at a row-major index as a float: rounded from F64 and integers, exact otherwise; BOOL gives 0 or 1. */
    public float get(long index) {
        switch (dtype) {
            case F32:
                return memory.get(FLOAT, index * 4);
            case BF16:
                return BFloat16.toFloat(memory.get(SHORT, index * 2));
            case F16:
                return Float.float16ToFloat(memory.get(SHORT, index * 2));
            case F64:
                return (float) memory.get(DOUBLE, index * 8);
            case I64:
                return memory.get(LONG, index * 8);
            case I32:
                return memory.get(INT, index * 4);
            case I16:
                return memory.get(SHORT, index * 2);
            case I8:
                return memory.get(ValueLayout.JAVA_BYTE, index);
            case U8:
                return memory.get(ValueLayout.JAVA_BYTE, index) & 0xFF;
            default:
                return memory.get(ValueLayout.JAVA_BYTE, index) == 0 ? 0 : 1;
        }
    }

    /**
     * Copies the elements, as floats, to an array.
     *
     * @param target as long as the tensor has elements
     */
    public void copyTo(float[] target) {
        requireElements();
        if (dtype == DType.F32) {
            MemorySegment.copy(memory, FLOAT, 0, target, 0, target.length);
            return;
        }
        for (int i = 0; i < target.length; i++) {
            target[i] = get(i);
        }
    }

    /**
     * A copy of all elements as floats.
     *
     * @throws IllegalArgumentException if there are more than a Java array holds
     */
    public float[] toFloats() {
        requireElements();
        if (shape.elements() > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("a tensor " + shape + " does not fit a Java array; read it in slices");
        }
        float[] values = new float[(int) shape.elements()];
        copyTo(values);
        return values;
    }

    /** The entries {@code from} (inclusive) to {@code to} (exclusive) of the first axis, sharing this tensor's memory. */
    public HostTensor slice(long from, long to) {
        Shape part = shape.slice(from, to);
        if (!hasElements()) {
            return withoutElements(dtype, part);
        }
        long entry = shape.entryElements() * dtype.bytes();
        return new HostTensor(dtype, part, memory.asSlice(from * entry, (to - from) * entry));
    }

    /** The same elements under another shape. */
    public HostTensor reshape(long... lengths) {
        Shape other = shape.reshape(Shape.of(lengths));
        return hasElements() ? new HostTensor(dtype, other, memory) : withoutElements(dtype, other);
    }

    @Override
    public String toString() {
        return dtype + shape.toString();
    }
}
