package io.lingen.core.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that is being written, under a temporary name next to its final one. {@link #commit} renames it. Closing without a commit, or the
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
     * Creates an empty temporary file in the folder of the target.
     *
     * @param target the final name
     * @return the file
     * @throws IOException if the target is a folder, or if its folder is missing or not writable
     */
    public static PartialFile of(Path target) throws IOException {
        if (Files.isDirectory(target)) {
            throw new IOException(target + " is a folder; name a file to write");
        }
        return new PartialFile(target, TemporaryPaths.make(target, Files::createFile));
    }

    /**
     * Removes the partial files and folders that ended processes of this host left for a target. To be called when a run starts: other
     * processes may have ended since this one last wrote the target.
     *
     * @param target the final name
     */
    public static void removeAbandoned(Path target) {
        TemporaryPaths.clean(target);
    }

    /** {@return the temporary path to write to} */
    public Path path() {
        return path;
    }

    /**
     * Gives the file its final name, replacing an existing file. When this returns, data and name survive a power cut, as far as the file
     * system guarantees it.
     *
     * @throws IOException if the data cannot be synchronized or the file cannot be renamed
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
