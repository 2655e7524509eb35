package io.lingen.core.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A builder of safetensors files, including ill-formed ones. */
public final class SafetensorsBytes {
    private SafetensorsBytes() {}

    /** Returns a file of a header and data bytes 0, 1, 2, ... */
    public static byte[] of(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        byte[] data = new byte[dataBytes];
        for (int i = 0; i < dataBytes; i++) {
            data[i] = (byte) i;
        }
        return withLength(json.length, json, data);
    }

    /** Returns a file of a header, whose stated length may be wrong, and data. */
    public static byte[] withLength(long length, byte[] json, byte[] data) {
        return ByteBuffer.allocate(8 + json.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(json)
                .put(data)
                .array();
    }

    /** Reads a file from memory. */
    public static SafetensorsFile read(byte[] file) {
        return SafetensorsFile.of("test.safetensors", MemorySegment.ofArray(file));
    }
}
