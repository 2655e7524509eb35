package io.lingen.core.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that is being written, under a temporary name beside its final one. {@link #commit} gives it that name; closing it before, or the
 * end of the JVM, removes it. For one thread.
 */
public final class PartialFile implements AutoCloseable {
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
        if (Files.isDirectory(target)) {
            throw new IOException(target + " is a folder; name a file to write");
        }
        return new PartialFile(target, TemporaryPaths.make(target, Files::createFile));
    }

    /** Where to write meanwhile. */
    public Path path() {
        return path;
    }

    /**
     * Gives the file its final name, replacing what had it. When this returns, data and name survive a power cut, as far as the file system
     * can promise it.
     */
    public void commit() throws IOException {
        Disk.sync(path);
        Disk.replace(path, target);
        TemporaryPaths.release(path);
        Disk.syncFolder(Disk.folderOf(target));
    }

    /** Removes the file unless it was committed. */
    @Override
    public void close() {
        if (TemporaryPaths.release(path)) {
            TemporaryPaths.remove(path);
        }
    }
}
