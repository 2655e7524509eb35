package io.lingen;

import io.lingen.core.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/**
 * The SHA-256 sum of a latents file's contents, whatever their order in the file: all metadata but the sum itself by key, then all tensors by
 * name. docs/guide/resume.md has the bytes that are summed.
 */
final class LatentDigest {
    private static final int BUFFER_BYTES = 1 << 16;

    private final MessageDigest digest;
    private final byte[] buffer = new byte[BUFFER_BYTES];

    LatentDigest() {
        try {
            this.digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** The sum of a file's contents. */
    static String of(Map<String, String> metadata, Map<String, HostTensor> tensors) {
        LatentDigest digest = new LatentDigest();
        digest.addMetadata(metadata);
        new TreeMap<>(tensors).forEach((name, tensor) -> {
            digest.addShape(name, tensor);
            digest.addData(tensor.memory());
        });
        return digest.sum();
    }

    void addMetadata(Map<String, String> metadata) {
        add(metadata.size());
        new TreeMap<>(metadata).forEach((key, value) -> {
            add(key);
            add(value);
        });
    }

    void addShape(String name, HostTensor tensor) {
        add(name);
        add(tensor.dtype().name());
        long[] lengths = tensor.shape().toArray();
        add(lengths.length);
        for (long length : lengths) {
            add(length);
        }
    }

    /** Adds bytes of a tensor, in their order. */
    void addData(MemorySegment data) {
        for (long done = 0; done < data.byteSize(); done += buffer.length) {
            int length = (int) Math.min(buffer.length, data.byteSize() - done);
            MemorySegment.copy(data, ValueLayout.JAVA_BYTE, done, buffer, 0, length);
            digest.update(buffer, 0, length);
        }
    }

    /** In small hexadecimal digits. */
    String sum() {
        return HexFormat.of().formatHex(digest.digest());
    }

    private void add(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        add(bytes.length);
        digest.update(bytes);
    }

    private void add(long number) {
        digest.update(ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(number)
                .flip());
    }
}
