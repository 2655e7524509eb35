package io.lingen.core.internal;

import java.io.IOException;
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
    private static final AtomicLong count = new AtomicLong();

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
        while (true) {
            Path path = name(target);
            open.add(path);
            try {
                maker.make(path);
                return path;
            } catch (FileAlreadyExistsException e) {
                // Left by a process of the same number that was killed, or of another machine: not to be touched.
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
        String unique = ProcessHandle.current().pid() + "-" + count.incrementAndGet();
        return folder.resolve("." + target.getFileName() + "." + unique + ".partial");
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
