package io.lingen.core;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that is being written, under a temporary name beside its final one. {@link #commit} gives it that name; closing it before, or the
 * end of the JVM, removes it. For one thread.
 */
public final class PartialFile implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(PartialFile.class);
    private static final Set<Path> open = ConcurrentHashMap.newKeySet();
    private static final AtomicLong count = new AtomicLong();

    static {
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> open.forEach(PartialFile::remove), "remove-partial-files"));
    }

    private final Path target;
    private final Path path;

    private PartialFile(Path target, Path path) {
        this.target = target;
        this.path = path;
    }

    /**
     * Makes an empty temporary file in the folder of the target.
     *
     * @throws IOException if the folder is missing or can't be written to
     */
    public static PartialFile of(Path target) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(target)) {
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
        Path path = folder.resolve("." + target.getFileName() + "." + unique + ".partial");
        open.add(path);
        Files.write(path, new byte[0]);
        return new PartialFile(target, path);
    }

    /** Where to write meanwhile. */
    public Path path() {
        return path;
    }

    /** Gives the file its final name, replacing what had it. */
    public void commit() throws IOException {
        try {
            Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(path, target, StandardCopyOption.REPLACE_EXISTING);
        }
        open.remove(path);
    }

    /** Removes the file unless it was committed. */
    @Override
    public void close() {
        if (open.remove(path)) {
            remove(path);
        }
    }

    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            log.warn("could not remove {}: {}", path, e.getMessage());
        }
    }
}
