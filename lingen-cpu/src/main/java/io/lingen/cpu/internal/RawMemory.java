package io.lingen.cpu.internal;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The whole address space as one segment. Kernels read and write off-heap memory by absolute address through it: its scope is global, so
 * that no access pays for a liveness check, and its bounds are constants. Nothing is checked; callers vouch for their addresses.
 */
@SuppressWarnings("restricted")
public final class RawMemory {
    /** Every address: offset = address. */
    public static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /** The alignment of blocks in bytes: a cache line, and the widest vector register. */
    public static final int ALIGNMENT = 64;

    /** The layout of an F32 element. */
    public static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private RawMemory() {}

    /** The F32 element at an address. */
    public static float getFloat(long address) {
        return ALL.get(FLOAT, address);
    }

    /** Sets the F32 element at an address. */
    public static void setFloat(long address, float value) {
        ALL.set(FLOAT, address, value);
    }

    /** The bits of the BF16 element at an address. */
    public static short getShort(long address) {
        return ALL.get(SHORT, address);
    }

    /** Sets the bits of the BF16 element at an address. */
    public static void setShort(long address, short bits) {
        ALL.set(SHORT, address, bits);
    }

    /** The 64-bit number at an address. */
    public static long getLong(long address) {
        return ALL.get(LONG, address);
    }

    /** Sets the 64-bit number at an address. */
    public static void setLong(long address, long value) {
        ALL.set(LONG, address, value);
    }

    /** Copies bytes between places that don't overlap. */
    public static void copy(long source, long target, long bytes) {
        MemorySegment.copy(ALL, source, ALL, target, bytes);
    }

    /** Sets bytes to zero. */
    public static void clear(long address, long bytes) {
        ALL.asSlice(address, bytes).fill((byte) 0);
    }

    /** A number of bytes rounded up to whole cache lines. */
    public static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }
}
