package io.lingen.cpu.internal;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Access to off-heap memory by absolute address, through one segment that spans the address space. Its scope is global and its bounds are
 * constants, so accesses need no liveness checks. Addresses are not checked: a wrong one may crash the JVM.
 */
@SuppressWarnings("restricted")
public final class RawMemory {
    /** The address space: the offset of a byte is its address. */
    public static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /** The alignment of blocks in bytes: a cache line, and the widest vector register. */
    public static final int ALIGNMENT = 64;

    /** The layout of an F32 element. */
    public static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private RawMemory() {}

    /**
     * {@return the F32 element at an address}
     *
     * @param address of the element
     */
    public static float getFloat(long address) {
        return ALL.get(FLOAT, address);
    }

    /**
     * Sets the F32 element at an address.
     *
     * @param address of the element
     * @param value the new value
     */
    public static void setFloat(long address, float value) {
        ALL.set(FLOAT, address, value);
    }

    /**
     * {@return the bits of the BF16 element at an address}
     *
     * @param address of the element
     */
    public static short getShort(long address) {
        return ALL.get(SHORT, address);
    }

    /**
     * Sets the bits of the BF16 element at an address.
     *
     * @param address of the element
     * @param bits the new bits
     */
    public static void setShort(long address, short bits) {
        ALL.set(SHORT, address, bits);
    }

    /**
     * {@return the 64-bit number at an address}
     *
     * @param address of the number
     */
    public static long getLong(long address) {
        return ALL.get(LONG, address);
    }

    /**
     * Sets the 64-bit number at an address.
     *
     * @param address of the number
     * @param value the new value
     */
    public static void setLong(long address, long value) {
        ALL.set(LONG, address, value);
    }

    /**
     * Copies bytes. Source and target must not overlap.
     *
     * @param source the address of the first byte
     * @param target the address of the first byte
     * @param bytes the number of bytes
     */
    public static void copy(long source, long target, long bytes) {
        MemorySegment.copy(ALL, source, ALL, target, bytes);
    }

    /**
     * Sets bytes to zero.
     *
     * @param address of the first byte
     * @param bytes the number of bytes
     */
    public static void clear(long address, long bytes) {
        ALL.asSlice(address, bytes).fill((byte) 0);
    }

    /**
     * {@return a number of bytes rounded up to a multiple of {@link #ALIGNMENT}}
     *
     * @param bytes at least 0
     */
    public static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }
}
