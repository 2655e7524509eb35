package io.lingen.core.internal;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The temporary names of files and folders that are being written. Those that remain at the end of the JVM are removed. */
final class TemporaryPaths {
    private static final Logger log = LoggerFactory.getLogger(TemporaryPaths.class);
    private static final Set<Path> open = ConcurrentHashMap.newKeySet();
    private static final Set<Path> cleaned = ConcurrentHashMap.newKeySet();
    private static final AtomicLong count = new AtomicLong();
    private static final String REPLACED = ".replaced";
    private static final String REMOVED = ".removed";

    static {
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> open.forEach(TemporaryPaths::remove), "remove-partial-files"));
    }

    /** Creates a file or folder, and fails if the path exists. */
    interface Maker {
        void make(Path path) throws IOException;
    }

    private TemporaryPaths() {}

    /**
     * Creates a file or folder with a unique name next to the target. It is removed at the end of the JVM unless it is {@link #release
     * released}.
     *
     * @throws IOException if the folder of the target is missing or not writable
     */
    static Path make(Path target, Maker maker) throws IOException {
        Path folder = Disk.folderOf(target);
        while (true) {
            Path path = name(target);
            if (!cleaned.contains(folder.resolve(target.getFileName()))) {
                clean(target);
            }
            open.add(path);
            try {
                maker.make(path);
                return path;
            } catch (FileAlreadyExistsException e) {
                // Left by a process with the same identity, perhaps still in use: try another name.
                open.remove(path);
            } catch (IOException e) {
                open.remove(path);
                String reason =
                        e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : e.toString();
                throw new IOException(
                        "could not write in the folder " + path.getParent() + ": " + reason + "; choose another one",
                        e);
            }
        }
    }

    /**
     * {@return a unique name next to the target}
     *
     * @throws IOException if the folder of the target is missing or not writable
     */
    static Path name(Path target) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null) {
            throw new IOException(target + " is a folder; name a file to write");
        }
        if (!Files.isDirectory(folder)) {
            throw new NoSuchFileException(
                    folder.toString(), null, "the folder to write to does not exist; create it first");
        }
        if (!Files.isWritable(folder)) {
            throw new IOException("no permission to write in the folder " + folder + "; choose another one");
        }
        // Files.createTempFile would make a file that other users cannot read.
        return folder.resolve(PartialName.of(target, count.incrementAndGet()).toString());
    }

    /**
     * {@return a unique name for the old version of a target that is being replaced} If the process dies before the new version is in
     * place, {@link #clean} restores it.
     */
    static Path replacedName(Path target) {
        return Disk.folderOf(target)
                .resolve(PartialName.of(target, count.incrementAndGet()).withSuffix(REPLACED));
    }

    /**
     * Removes files that dead processes of this host left for a target. Restores the old version of a target if its replacement was
     * interrupted. New partial files do this once per target and JVM only, because it lists the folder.
     */
    static void clean(Path target) {
        Path folder = Disk.folderOf(target);
        cleaned.add(folder.resolve(target.getFileName()));
        String prefix = PartialName.prefixOf(target);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(
                folder, file -> file.getFileName().toString().startsWith(prefix))) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                if (isDead(name, prefix, REPLACED) && !Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
                    log.info("restored {}: the process that was replacing it was killed", target);
                    Disk.rename(file, target);
                } else if (isDead(name, prefix, REPLACED)
                        || isDead(name, prefix, PartialName.SUFFIX)
                        || isDead(name, prefix, REPLACED + REMOVED)
                        || isDead(name, prefix, PartialName.SUFFIX + REMOVED)) {
                    log.info("removing {}, left by a process that was killed", file);
                    remove(file);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            log.debug("cannot list partial files in {}", folder, e);
        }
    }

    private static boolean isDead(String name, String prefix, String suffix) {
        PartialName partial = PartialName.parse(name, prefix, suffix);
        return partial != null && partial.isOfDeadProcess();
    }

    /** {@return whether the path was registered for removal} It no longer is. */
    static boolean release(Path path) {
        return open.remove(path);
    }

    /** Removes a file, or a folder and the files in it. */
    static void remove(Path path) {
        try {
            if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
                removeFolder(path);
            } else {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            log.warn("cannot remove {}: {}", path, e.getMessage());
        }
    }

    private static void removeFolder(Path path) throws IOException {
        // Rename first, so a thread that still writes to the old path cannot add files.
        String name = path.getFileName().toString();
        Path doomed = name.endsWith(REMOVED) ? path : Files.move(path, path.resolveSibling(name + REMOVED));
        try (DirectoryStream<Path> files = Files.newDirectoryStream(doomed)) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        }
        Files.delete(doomed);
    }
}
