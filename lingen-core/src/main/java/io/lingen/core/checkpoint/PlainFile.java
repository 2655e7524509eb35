package io.lingen.core.checkpoint;

import io.lingen.core.internal.SafeText;
import io.lingen.core.internal.Uninterruptibly;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Access to regular files. Folders, pipes and devices are refused, since reading them could block or never end. Links are followed. */
final class PlainFile {
    /** The longest Java array. */
    static final long MAX_BYTES = Integer.MAX_VALUE - 8;

    private static final int MAX_NAME = 255;

    private PlainFile() {}

    /** {@return the file of a name that comes from a file of the model} */
    static Path in(Path folder, String name) {
        try {
            if (name.length() <= MAX_NAME) {
                return folder.resolve(name);
            }
        } catch (InvalidPathException e) {
            // The file system's encoding may lack a character.
            throw noName(folder, name, e);
        }
        throw noName(folder, name, null);
    }

    /** {@return the contents of a file} */
    static byte[] read(Path file, long maxBytes) {
        require(file);
        try (InputStream stream = Files.newInputStream(file)) {
            return read(shown(file), stream, maxBytes);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** {@return the contents of a stream} */
    static byte[] read(String origin, InputStream stream, long maxBytes) throws IOException {
        byte[] bytes = stream.readNBytes((int) maxBytes);
        if (bytes.length == maxBytes && stream.read() >= 0) {
            throw new CheckpointException(origin + ": expected a file of at most " + maxBytes
                    + " bytes, found a larger one; check that it is the right file");
        }
        return bytes;
    }

    /** {@return a stream of the bytes of a file} */
    static InputStream stream(Path file) throws IOException {
        require(file);
        return Files.newInputStream(file);
    }

    /** {@return the mapped memory of a file, valid as long as the segment is reachable} */
    static MemorySegment map(Path file) {
        require(file);
        try {
            return Uninterruptibly.read(() -> {
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
                    return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
                }
            });
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** {@return a path for messages} */
    static String shown(Path file) {
        return SafeText.of(file.toString(), 300);
    }

    /**
     * Checks that a file is a regular file.
     *
     * @throws CheckpointException if it is not
     */
    static void require(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new CheckpointException(shown(file) + ": expected a file, found "
                    + (Files.isDirectory(file)
                            ? "a folder; check the path"
                            : Files.exists(file)
                                    ? "a device or a pipe; check the path"
                                    : "none; check that the download is complete"));
        }
    }

    private static CheckpointException noName(Path folder, String name, @Nullable Exception cause) {
        return new CheckpointException(
                shown(folder) + ": expected the name of a file, found \"" + SafeText.of(name)
                        + "\", which is not possible on this system",
                cause);
    }

    private static CheckpointException unreadable(Path file, IOException e) {
        return new CheckpointException(
                shown(file) + ": expected a readable file, found " + SafeText.of(e.toString(), 200), e);
    }
}
