package io.lingen.core;

import io.lingen.core.internal.BFloat16;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A tensor in host memory, on the heap or mapped from a file: the form in which checkpoints are read and results are written. Elements are
 * little-endian, row-major, of any {@link DType}.
 *
 * <p>A host tensor keeps its memory reachable, so a mapped file stays mapped as long as one of its tensors is in use. Treated as immutable;
 * thread-safe for reading.
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
     * @param dtype the type of the elements
     * @param shape the lengths of the axes
     * @param memory the elements, exactly as many bytes as they need
     * @throws IllegalArgumentException if the memory has another size
     */
    public HostTensor(DType dtype, Shape shape, MemorySegment memory) {
        if (memory.byteSize() != Math.multiplyExact(shape.elements(), (long) dtype.bytes())) {
            throw new IllegalArgumentException("memory of a tensor " + shape + " of " + dtype + " must have "
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

    /**
     * {@return a tensor that has a shape and a type but no elements} For code that needs sizes only, such as a dry run. Reading an element
     * or the memory throws {@link IllegalStateException}.
     *
     * @param dtype the type of the elements
     * @param shape the lengths of the axes
     */
    public static HostTensor withoutElements(DType dtype, Shape shape) {
        return new HostTensor(dtype, shape);
    }

    /**
     * {@return an F32 tensor that wraps an array without a copy}
     *
     * @param values the elements
     * @param lengths the lengths of the axes
     * @throws IllegalArgumentException if the array has another number of elements
     * @throws IllegalStateException on a big-endian host
     */
    public static HostTensor of(float[] values, long... lengths) {
        Shape shape = Shape.of(lengths);
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new IllegalStateException("host must be little-endian, found big-endian");
        }
        return new HostTensor(DType.F32, shape, MemorySegment.ofArray(values));
    }

    /** {@return the type of the elements} */
    public DType dtype() {
        return dtype;
    }

    /** {@return the lengths of the axes} */
    public Shape shape() {
        return shape;
    }

    /**
     * {@return the bytes of the elements}
     *
     * @throws IllegalStateException if the tensor was made by {@link #withoutElements}
     */
    public MemorySegment memory() {
        requireElements();
        return memory;
    }

    /**
     * Lets the operating system evict the pages of a mapped file, after its weights were packed elsewhere. The elements stay readable: an
     * access loads them from the file again. No effect on memory of another kind.
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
            throw new IllegalStateException(
                    "tensor must have elements, found " + this + " of which only the shape was read");
        }
    }

    /**
     * {@return the element at a row-major index as a float} F64 and integers are rounded, other types are converted exactly; BOOL gives 0
     * or 1.
     *
     * @param index from 0
     */
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
     * Copies all elements, as floats, to an array.
     *
     * @param target has as many entries as the tensor has elements
     * @throws IllegalStateException if the tensor was made by {@link #withoutElements}
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
     * {@return a copy of all elements as floats}
     *
     * @throws IllegalArgumentException if they do not fit a Java array
     * @throws IllegalStateException if the tensor was made by {@link #withoutElements}
     */
    public float[] toFloats() {
        requireElements();
        if (shape.elements() > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("tensor must fit a Java array, found " + shape + "; read it in slices");
        }
        float[] values = new float[(int) shape.elements()];
        copyTo(values);
        return values;
    }

    /**
     * {@return a view of a range of the first axis}
     *
     * @param from the first entry
     * @param to the entry after the last
     * @throws IllegalArgumentException unless {@code 0 <= from <= to <= shape().length(0)}
     */
    public HostTensor slice(long from, long to) {
        Shape part = shape.slice(from, to);
        if (!hasElements()) {
            return withoutElements(dtype, part);
        }
        long entry = shape.entryElements() * dtype.bytes();
        return new HostTensor(dtype, part, memory.asSlice(from * entry, (to - from) * entry));
    }

    /**
     * {@return a view of the same elements under another shape}
     *
     * @param lengths the lengths of the other shape's axes
     * @throws IllegalArgumentException if the number of elements differs
     */
    public HostTensor reshape(long... lengths) {
        Shape other = shape.reshape(Shape.of(lengths));
        return hasElements() ? new HostTensor(dtype, other, memory) : withoutElements(dtype, other);
    }

    @Override
    public String toString() {
        return dtype + shape.toString();
    }
}
