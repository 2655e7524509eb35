package io.lingen.cuda.internal.driver;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The fields of a kernel's parameter struct, in order, laid out as C lays them out: each at a multiple of its own size. */
public final class Arguments {
    private static final int CAPACITY = 512;

    private final ByteBuffer buffer = ByteBuffer.allocate(CAPACITY).order(ByteOrder.LITTLE_ENDIAN);

    /** An address, or a 64-bit integer. */
    public Arguments put(long value) {
        align(Long.BYTES);
        buffer.putLong(value);
        return this;
    }

    /** Several addresses or 64-bit integers. */
    public Arguments put(long... values) {
        for (long value : values) {
            put(value);
        }
        return this;
    }

    /** A 32-bit integer. */
    public Arguments put(int value) {
        buffer.putInt(value);
        return this;
    }

    /** Several 32-bit integers. */
    public Arguments put(int... values) {
        for (int value : values) {
            put(value);
        }
        return this;
    }

    public Arguments put(float value) {
        buffer.putFloat(value);
        return this;
    }

    /** A flag as an int. */
    public Arguments put(boolean value) {
        return put(value ? 1 : 0);
    }

    /** The struct's bytes, padded to a multiple of 8. */
    byte[] bytes() {
        align(Long.BYTES);
        byte[] bytes = new byte[buffer.position()];
        buffer.get(0, bytes);
        return bytes;
    }

    private void align(int bytes) {
        while (buffer.position() % bytes != 0) {
            buffer.put((byte) 0);
        }
    }
}
