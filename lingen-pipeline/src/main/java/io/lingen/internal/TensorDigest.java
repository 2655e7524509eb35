package io.lingen.internal;

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
 * The SHA-256 sum of named tensors and their metadata, whatever their order in a file: all metadata but the sum itself by key, then all
 * tensors by name. docs/guide/resume.md lists the bytes that are summed. For one thread.
 */
public final class TensorDigest {
    private static final int BUFFER_BYTES = 1 << 16;

    private final MessageDigest digest;
    private final byte[] buffer = new byte[BUFFER_BYTES];

    /** Starts a sum. */
    public TensorDigest() {
        try {
            this.digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /**
     * {@return the sum of metadata and tensors}
     *
     * @param metadata all metadata but the sum itself
     * @param tensors by name
     */
    public static String of(Map<String, String> metadata, Map<String, HostTensor> tensors) {
        TensorDigest digest = new TensorDigest();
        digest.addMetadata(metadata);
        new TreeMap<>(tensors).forEach((name, tensor) -> {
            digest.addShape(name, tensor);
            digest.addData(tensor.memory());
        });
        return digest.sum();
    }

    /** Adds all metadata but the sum itself. */
    public void addMetadata(Map<String, String> metadata) {
        add(metadata.size());
        new TreeMap<>(metadata).forEach((key, value) -> {
            add(key);
            add(value);
        });
    }

    /** Adds the name, the type and the shape of a tensor. */
    public void addShape(String name, HostTensor tensor) {
        add(name);
        add(tensor.dtype().name());
        long[] lengths = tensor.shape().toArray();
        add(lengths.length);
        for (long length : lengths) {
            add(length);
        }
    }

    /** Adds bytes of a tensor, in their order. */
    public void addData(MemorySegment data) {
        for (long done = 0; done < data.byteSize(); done += buffer.length) {
            int length = (int) Math.min(buffer.length, data.byteSize() - done);
            MemorySegment.copy(data, ValueLayout.JAVA_BYTE, done, buffer, 0, length);
            digest.update(buffer, 0, length);
        }
    }

    /** {@return the sum in lower-case hexadecimal digits} Ends it. */
    public String sum() {
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
