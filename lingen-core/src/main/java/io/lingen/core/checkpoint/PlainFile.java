package io.lingen.core.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Reads plain files, and nothing that could block or never end: no folder, no pipe, no device. Links are followed. */
final class PlainFile {
    /** The longest Java array. */
    static final long MAX_BYTES = Integer.MAX_VALUE - 8;

    private PlainFile() {}

    /** All of a file. */
    static byte[] read(Path file, long maxBytes) {
        require(file);
        try (InputStream stream = Files.newInputStream(file)) {
            return read(file.toString(), stream, maxBytes);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** All of a stream. */
    static byte[] read(String origin, InputStream stream, long maxBytes) throws IOException {
        byte[] bytes = stream.readNBytes((int) maxBytes);
        if (bytes.length == maxBytes && stream.read() >= 0) {
            throw new CheckpointException(origin + ": expected a file of at most " + maxBytes
                    + " bytes, found a larger one. Is it the right file?");
        }
        return bytes;
    }

    /** A file's bytes as they are read. */
    static InputStream stream(Path file) throws IOException {
        require(file);
        return Files.newInputStream(file);
    }

    /** A file's memory, which lasts as long as the segment is reachable. */
    static MemorySegment map(Path file) {
        require(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** @throws CheckpointException if it is no plain file */
    static void require(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new CheckpointException(file + ": expected a file, found "
                    + (Files.isDirectory(file)
                            ? "a folder. Check the path"
                            : Files.exists(file)
                                    ? "a device or a pipe. Check the path"
                                    : "none. Is the download complete?"));
        }
    }

    private static CheckpointException unreadable(Path file, IOException e) {
        return new CheckpointException(file + ": expected a readable file, found " + e, e);
    }
}
