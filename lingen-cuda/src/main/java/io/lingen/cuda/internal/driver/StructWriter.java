package io.lingen.cuda.internal.driver;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * A writer of parameter structs with the layout of C: each field is at a multiple of its size, and the size of the struct is a multiple of
 * 8.
 */
public final class StructWriter {
    private static final int CAPACITY = 512;

    private final MemorySegment memory;
    private int end;

    /**
     * Creates an empty struct.
     *
     * @param allocator allocates its memory
     */
    public StructWriter(SegmentAllocator allocator) {
        memory = allocator.allocate(CAPACITY, Long.BYTES);
    }

    /**
     * Appends an address or a 64-bit integer.
     *
     * @param value the field
     * @return this writer
     */
    public StructWriter put(long value) {
        align();
        memory.set(ValueLayout.JAVA_LONG, end, value);
        end += Long.BYTES;
        return this;
    }

    /**
     * Appends addresses or 64-bit integers.
     *
     * @param values the fields
     * @return this writer
     */
    public StructWriter put(long... values) {
        for (long value : values) {
            put(value);
        }
        return this;
    }

    /**
     * Appends a 32-bit integer.
     *
     * @param value the field
     * @return this writer
     */
    public StructWriter put(int value) {
        memory.set(ValueLayout.JAVA_INT, end, value);
        end += Integer.BYTES;
        return this;
    }

    /**
     * Appends 32-bit integers.
     *
     * @param values the fields
     * @return this writer
     */
    public StructWriter put(int... values) {
        for (int value : values) {
            put(value);
        }
        return this;
    }

    /**
     * Appends a float.
     *
     * @param value the field
     * @return this writer
     */
    public StructWriter put(float value) {
        memory.set(ValueLayout.JAVA_FLOAT, end, value);
        end += Float.BYTES;
        return this;
    }

    /**
     * Appends a flag as a C int.
     *
     * @param value the field
     * @return this writer
     */
    public StructWriter put(boolean value) {
        return put(value ? 1 : 0);
    }

    /**
     * Appends flags as C ints.
     *
     * @param values the fields
     * @return this writer
     */
    public StructWriter put(boolean... values) {
        for (boolean value : values) {
            put(value);
        }
        return this;
    }

    /**
     * Appends a nested struct.
     *
     * @param nested its fields
     * @return this writer
     */
    public StructWriter put(KernelArguments nested) {
        nested.layOut(this);
        return this;
    }

    /** {@return the bytes of the struct, padded to a multiple of 8} */
    public MemorySegment struct() {
        align();
        return memory.asSlice(0, end);
    }

    /** Aligns the end to 8 bytes. Fields have 4 or 8 bytes, and the memory is zeroed. */
    private void align() {
        end = Math.ceilDiv(end, Long.BYTES) * Long.BYTES;
    }
}
