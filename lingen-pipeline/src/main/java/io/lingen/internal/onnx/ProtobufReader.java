package io.lingen.internal.onnx;

import io.lingen.core.checkpoint.CheckpointException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * The fields of a serialized Protocol Buffers message, in the order of the file and without a schema
 * (https://protobuf.dev/programming-guides/encoding). Every length is checked against the enclosing message. Groups, which are obsolete,
 * are rejected. For one thread.
 */
final class ProtobufReader {
    private static final int MAX_TEXT_BYTES = 4096;
    private static final int MAX_VARINT_BYTES = 10;

    private final String origin;
    private final MemorySegment file;
    private final long end;
    private long position;
    private int field;
    private long valueStart;
    private boolean hasLength;

    /**
     * Starts before the first field of a file that is one message.
     *
     * @param origin the name of the file, for messages
     */
    ProtobufReader(String origin, MemorySegment file) {
        this(origin, file, 0, file.byteSize());
    }

    private ProtobufReader(String origin, MemorySegment file, long start, long end) {
        this.origin = origin;
        this.file = file;
        this.position = start;
        this.end = end;
    }

    /**
     * Moves to the next field; returns false at the end of the message.
     *
     * @throws CheckpointException if the message is malformed
     */
    boolean next() {
        if (position == end) {
            return false;
        }
        long start = position;
        long tag = varint();
        if (tag < 8 || tag >= 1L << 32) {
            throw malformed("a field number of " + Long.toUnsignedString(tag >>> 3), start);
        }
        field = (int) (tag >>> 3);
        hasLength = (tag & 7) == 2;
        switch ((int) tag & 7) {
            case 0 -> varint();
            case 1 -> skip(Long.BYTES);
            case 2 -> skip(varint());
            case 5 -> skip(Integer.BYTES);
            default -> throw malformed("a field of type " + (tag & 7), start);
        }
        return true;
    }

    /** The number of the current field. */
    int field() {
        return field;
    }

    /** Whether the current field is a message, a text or bytes, not a number. */
    boolean hasLength() {
        return hasLength;
    }

    /** The current field as a message. */
    ProtobufReader message() {
        return new ProtobufReader(origin, file, valueStart, position);
    }

    /**
     * The current field as text.
     *
     * @throws CheckpointException if it has more than {@value #MAX_TEXT_BYTES} bytes
     */
    String text() {
        long length = position - valueStart;
        if (length > MAX_TEXT_BYTES) {
            throw malformed("a name of " + length + " bytes", valueStart);
        }
        byte[] bytes = file.asSlice(valueStart, length).toArray(ValueLayout.JAVA_BYTE);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private long varint() {
        long start = position;
        long value = 0;
        for (int i = 0; i < MAX_VARINT_BYTES && position < end; i++) {
            byte next = file.get(ValueLayout.JAVA_BYTE, position++);
            value |= (long) (next & 0x7F) << 7 * i;
            if (next >= 0) {
                return value;
            }
        }
        throw malformed("an integer that does not end", start);
    }

    private void skip(long bytes) {
        if (bytes < 0 || bytes > end - position) {
            throw malformed(
                    "a field of " + Long.toUnsignedString(bytes) + " bytes where " + (end - position) + " are left",
                    position);
        }
        valueStart = position;
        position += bytes;
    }

    private CheckpointException malformed(String found, long at) {
        return new CheckpointException(origin + ": expected an ONNX model, found " + found + " at byte " + at
                + "; the file is damaged or incomplete: download or export it again");
    }
}
