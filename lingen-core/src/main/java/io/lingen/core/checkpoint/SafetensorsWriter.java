package io.lingen.core.checkpoint;

import io.lingen.core.HostTensor;
import io.lingen.core.internal.PartialFile;
import io.lingen.core.internal.Uninterruptibly;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A writer of safetensors files. */
public final class SafetensorsWriter {
    private static final int BUFFER_BYTES = 1 << 20;

    private SafetensorsWriter() {}

    /**
     * Writes a file. The data go to a temporary file in the same folder first, so the target is complete or absent. Tensors are sorted by
     * the width of their type, widest first, and then by name, so each is aligned to its type.
     *
     * @param target the file to write; replaced if it exists
     * @param tensors by name
     * @param metadata free text, stored in {@code __metadata__}; empty for none
     * @throws UncheckedIOException if the file cannot be written; the temporary file is then removed
     * @throws IllegalArgumentException if a tensor is named {@code __metadata__}
     */
    public static void write(Path target, Map<String, HostTensor> tensors, Map<String, String> metadata) {
        List<Map.Entry<String, HostTensor>> sorted = new ArrayList<>(tensors.entrySet());
        sorted.sort(Comparator.comparingInt((Map.Entry<String, HostTensor> entry) ->
                        -entry.getValue().dtype().bytes())
                .thenComparing(Map.Entry::getKey));
        byte[] header = header(sorted, metadata);
        try (PartialFile file = PartialFile.of(target)) {
            Uninterruptibly.run(() -> write(file.path(), header, sorted));
            file.commit();
        } catch (IOException e) {
            throw new UncheckedIOException("can't write " + target + ": " + e, e);
        }
    }

    private static byte[] header(List<Map.Entry<String, HostTensor>> tensors, Map<String, String> metadata) {
        Map<String, Object> header = new LinkedHashMap<>();
        if (!metadata.isEmpty()) {
            header.put(SafetensorsHeader.METADATA, metadata);
        }
        long offset = 0;
        for (Map.Entry<String, HostTensor> entry : tensors) {
            HostTensor tensor = entry.getValue();
            long end = offset + tensor.memory().byteSize();
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("dtype", tensor.dtype().name());
            fields.put("shape", tensor.shape().toArray());
            fields.put("data_offsets", new long[] {offset, end});
            if (header.put(entry.getKey(), fields) != null) {
                throw new IllegalArgumentException("name of a tensor must not be " + SafetensorsHeader.METADATA);
            }
            offset = end;
        }
        return Json.write(header);
    }

    private static void write(Path file, byte[] header, List<Map.Entry<String, HostTensor>> tensors)
            throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        MemorySegment staging = MemorySegment.ofBuffer(buffer);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            // Pad the header with spaces to a multiple of 8, which aligns the tensors.
            int padded = Math.ceilDiv(header.length, 8) * 8;
            ByteBuffer start = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
            start.putLong(padded).put(header);
            while (start.hasRemaining()) {
                start.put((byte) ' ');
            }
            writeFully(channel, start.flip());
            for (Map.Entry<String, HostTensor> entry : tensors) {
                MemorySegment memory = entry.getValue().memory();
                for (long done = 0; done < memory.byteSize(); done += BUFFER_BYTES) {
                    long length = Math.min(BUFFER_BYTES, memory.byteSize() - done);
                    MemorySegment.copy(memory, done, staging, 0, length);
                    writeFully(channel, buffer.clear().limit((int) length));
                }
            }
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
