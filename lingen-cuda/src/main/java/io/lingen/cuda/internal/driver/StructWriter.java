package io.lingen.cuda.internal.driver;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/** Lays out a kernel's parameter struct as C does: each field at a multiple of its own size, the size a multiple of 8. */
public final class StructWriter {
    private static final int CAPACITY = 512;

    private final MemorySegment memory;
    private int end;

    /** Creates an empty struct in memory of an allocator. */
    public StructWriter(SegmentAllocator allocator) {
        memory = allocator.allocate(CAPACITY, Long.BYTES);
    }

    /** Appends an address or a 64-bit integer. */
    public StructWriter put(long value) {
        align();
        memory.set(ValueLayout.JAVA_LONG, end, value);
        end += Long.BYTES;
        return this;
    }

    /** Appends addresses or 64-bit integers. */
    public StructWriter put(long... values) {
        for (long value : values) {
            put(value);
        }
        return this;
    }

    /** Appends a 32-bit integer. */
    public StructWriter put(int value) {
        memory.set(ValueLayout.JAVA_INT, end, value);
        end += Integer.BYTES;
        return this;
    }

    /** Appends 32-bit integers. */
    public StructWriter put(int... values) {
        for (int value : values) {
            put(value);
        }
        return this;
    }

    /** Appends a float. */
    public StructWriter put(float value) {
        memory.set(ValueLayout.JAVA_FLOAT, end, value);
        end += Float.BYTES;
        return this;
    }

    /** Appends a flag, an int to C. */
    public StructWriter put(boolean value) {
        return put(value ? 1 : 0);
    }

    /** Appends flags, ints to C. */
    public StructWriter put(boolean... values) {
        for (boolean value : values) {
            put(value);
        }
        return this;
    }

    /** Appends a nested struct. */
    public StructWriter put(KernelArguments nested) {
        nested.layOut(this);
        return this;
    }

    /** Returns the struct's bytes, padded to a multiple of 8. */
    public MemorySegment struct() {
        align();
        return memory.asSlice(0, end);
    }

    /** Fields are of 4 or 8 bytes, and the memory is zeroed. */
    private void align() {
        end = Math.ceilDiv(end, Long.BYTES) * Long.BYTES;
    }
}
