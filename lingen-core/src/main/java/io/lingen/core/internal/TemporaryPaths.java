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

/** The names under which files and folders are written until they are whole. What is left of them at the end of the JVM is removed. */
final class TemporaryPaths {
    private static final Logger log = LoggerFactory.getLogger(TemporaryPaths.class);
    private static final Set<Path> open = ConcurrentHashMap.newKeySet();
    private static final Set<Path> cleaned = ConcurrentHashMap.newKeySet();
    private static final AtomicLong count = new AtomicLong();
    private static final String REPLACED = ".replaced";

    static {
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> open.forEach(TemporaryPaths::remove), "remove-partial-files"));
    }

    /** Makes what is to have a name, where there is nothing of that name. */
    interface Maker {
        void make(Path path) throws IOException;
    }

    private TemporaryPaths() {}

    /**
     * Makes a file or folder of its own beside the target, to be removed at the end of the JVM unless it is {@link #release released}.
     *
     * @throws IOException if the target's folder is missing or can't be written to
     */
    static Path make(Path target, Maker maker) throws IOException {
        Path folder = Disk.folderOf(target);
        while (true) {
            Path path = name(target);
            clean(target, folder);
            open.add(path);
            try {
                maker.make(path);
                return path;
            } catch (FileAlreadyExistsException e) {
                // Left by a process that can't be told from this one: not to be touched.
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
     * A name of its own beside the target.
     *
     * @throws IOException if the target's folder is missing or can't be written to
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
        // Not Files.createTempFile, whose files others may not read.
        return folder.resolve(PartialName.of(target, count.incrementAndGet()).toString());
    }

    /** A name of its own for what is about to be replaced; {@link #clean} gives it back if the process ends before the new one is in place. */
    static Path replacedName(Path target) {
        return Disk.folderOf(target)
                .resolve(PartialName.of(target, count.incrementAndGet()).withSuffix(REPLACED));
    }

    /**
     * Removes what processes of this host that have died left of a target, once per target. What such a process was replacing gets its name
     * back if nothing has it.
     */
    private static void clean(Path target, Path folder) {
        if (!cleaned.add(folder.resolve(target.getFileName()))) {
            return;
        }
        String prefix = PartialName.prefixOf(target);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(
                folder, file -> file.getFileName().toString().startsWith(prefix))) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                if (isDead(name, prefix, REPLACED) && !Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
                    log.info("{} is restored: the run that was replacing it was killed", target);
                    Disk.rename(file, target);
                } else if (isDead(name, prefix, REPLACED) || isDead(name, prefix, PartialName.SUFFIX)) {
                    log.info("removing {}, left by a run that was killed", file);
                    remove(file);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            log.debug("could not look for partial files in {}", folder, e);
        }
    }

    private static boolean isDead(String name, String prefix, String suffix) {
        PartialName partial = PartialName.parse(name, prefix, suffix);
        return partial != null && partial.isOfDeadProcess();
    }

    /** Takes back what has a final name now; whether it was still held. */
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
            log.warn("could not remove {}: {}", path, e.getMessage());
        }
    }

    private static void removeFolder(Path path) throws IOException {
        // Under another name, nobody who still writes into it can add a file meanwhile.
        Path doomed = Files.move(path, path.resolveSibling(path.getFileName() + ".removed"));
        try (DirectoryStream<Path> files = Files.newDirectoryStream(doomed)) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        }
        Files.delete(doomed);
    }
}
