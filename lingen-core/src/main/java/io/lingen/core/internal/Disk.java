package io.lingen.core.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * File system calls on which durability depends: synchronize, rename, remove. A file survives a power cut after three steps in this order:
 * its data are synchronized, it has its final name, and the folder with that name is synchronized. Interrupts do not abort a call.
 * Thread-safe.
 */
public final class Disk {
    private static final Logger log = LoggerFactory.getLogger(Disk.class);

    private static volatile @Nullable Observer observer;

    private Disk() {}

    /** A receiver of every call after it succeeded. */
    @FunctionalInterface
    public interface Observer {
        /**
         * Receives a call.
         *
         * @param call "sync FILE", "rename FROM TO", "sync-folder FOLDER" or "remove FILE", each with file names only
         */
        void called(String call);
    }

    /**
     * Reports all calls to an observer, for tests of their order.
     *
     * @param other the observer, or null for none
     */
    public static void observe(@Nullable Observer other) {
        observer = other;
    }

    /**
     * Writes the cached data of a file to the device.
     *
     * @param file an existing file
     * @throws IOException if the file cannot be opened or synchronized
     */
    public static void sync(Path file) throws IOException {
        Uninterruptibly.run(() -> {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
        });
        report("sync", file);
    }

    /**
     * Writes the names in a folder to the device. Has no effect on systems where a folder cannot be opened; those order renames themselves.
     *
     * @param folder an existing folder
     * @throws IOException not thrown: a failure is logged at debug level
     */
    public static void syncFolder(Path folder) throws IOException {
        Uninterruptibly.run(() -> {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            } catch (IOException e) {
                // Windows cannot open folders, and some network file systems cannot synchronize them.
                log.debug("cannot synchronize folder {}: {}", folder, e.toString());
            }
        });
        report("sync-folder", folder);
    }

    /** Renames a file, replacing an existing one: atomically if the file system supports it. */
    static void replace(Path from, Path to) throws IOException {
        Uninterruptibly.run(() -> {
            try {
                Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
            }
        });
        report("rename", from, to);
    }

    /** Renames a file or folder to a name that is not in use. */
    static void rename(Path from, Path to) throws IOException {
        Uninterruptibly.run(() -> Files.move(from, to));
        report("rename", from, to);
    }

    /**
     * Removes a file if it exists.
     *
     * @param file the file
     * @throws IOException if it exists and cannot be removed
     */
    public static void remove(Path file) throws IOException {
        Uninterruptibly.run(() -> Files.deleteIfExists(file));
        report("remove", file);
    }

    /** {@return the folder that contains a path} */
    static Path folderOf(Path path) {
        Path folder = path.toAbsolutePath().getParent();
        return folder == null ? path.toAbsolutePath() : folder;
    }

    private static void report(String call, Path... paths) {
        Observer current = observer;
        if (current != null) {
            StringBuilder line = new StringBuilder(call);
            for (Path path : paths) {
                line.append(' ').append(path.getFileName());
            }
            current.called(line.toString());
        }
    }
}
