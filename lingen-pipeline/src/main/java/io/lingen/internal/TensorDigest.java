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
 * A SHA-256 digest of named tensors and their metadata, independent of their order in a file: all metadata except the digest, sorted by key,
 * then all tensors, sorted by name. docs/guide/resume.md specifies the bytes. For one thread.
 */
public final class TensorDigest {
    private static final int BUFFER_BYTES = 1 << 16;

    private final MessageDigest digest;
    private final byte[] buffer = new byte[BUFFER_BYTES];

    /** Starts a digest. */
    public TensorDigest() {
        try {
            this.digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /**
     * {@return the digest of metadata and tensors}
     *
     * @param metadata all metadata except the digest
     * @param tensors the tensors, by name
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

    /**
     * Adds all metadata.
     *
     * @param metadata all metadata except the digest
     */
    public void addMetadata(Map<String, String> metadata) {
        add(metadata.size());
        new TreeMap<>(metadata).forEach((key, value) -> {
            add(key);
            add(value);
        });
    }

    /**
     * Adds the name, type and shape of a tensor.
     *
     * @param name the name
     * @param tensor the tensor
     */
    public void addShape(String name, HostTensor tensor) {
        add(name);
        add(tensor.dtype().name());
        long[] lengths = tensor.shape().toArray();
        add(lengths.length);
        for (long length : lengths) {
            add(length);
        }
    }

    /**
     * Adds the next bytes of a tensor.
     *
     * @param data the bytes
     */
    public void addData(MemorySegment data) {
        for (long done = 0; done < data.byteSize(); done += buffer.length) {
            int length = (int) Math.min(buffer.length, data.byteSize() - done);
            MemorySegment.copy(data, ValueLayout.JAVA_BYTE, done, buffer, 0, length);
            digest.update(buffer, 0, length);
        }
    }

    /** {@return the digest in lower-case hexadecimal} Must be called only once. */
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
