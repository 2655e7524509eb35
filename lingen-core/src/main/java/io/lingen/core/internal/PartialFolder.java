package io.lingen.core.internal;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * A folder that is being written, under a temporary name next to its final one. {@link #commit} renames it. Closing without a commit, or
 * the end of the JVM, removes it. For one thread.
 */
public final class PartialFolder implements AutoCloseable {
    private final Path target;
    private final Pattern replaceable;
    private final Path path;

    private PartialFolder(Path target, Pattern replaceable, Path path) {
        this.target = target;
        this.replaceable = replaceable;
        this.path = path;
    }

    /**
     * Creates an empty temporary folder next to the target.
     *
     * @param target the final name; an existing folder is replaced if all its files may be replaced
     * @param replaceable the names of files that may be replaced
     * @return the folder
     * @throws IOException if the parent folder is missing or not writable, or if the target may not be replaced
     */
    public static PartialFolder of(Path target, Pattern replaceable) throws IOException {
        requireReplaceable(target, replaceable);
        return new PartialFolder(target, replaceable, TemporaryPaths.make(target, Files::createDirectory));
    }

    private static void requireReplaceable(Path target, Pattern replaceable) throws IOException {
        if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(target + " exists and is not a folder; remove it or choose another name");
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(target)) {
            for (Path file : files) {
                boolean replaced =
                        replaceable.matcher(file.getFileName().toString()).matches()
                                && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
                if (!replaced) {
                    throw new IOException("the folder " + target + " must hold only files that may be replaced, found "
                            + file.getFileName() + "; empty it or choose another name");
                }
            }
        }
    }

    /** {@return the temporary path to write to} */
    public Path path() {
        return path;
    }

    /**
     * Gives the folder its final name, replacing an existing folder. When this returns, files and names survive a power cut, as far as the
     * file system guarantees it. If the process ends between the two renames, the next process that writes this target restores the old
     * folder.
     *
     * @throws IOException if the target may not be replaced or a rename fails
     */
    public void commit() throws IOException {
        requireReplaceable(target, replaceable);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            for (Path file : files) {
                Disk.sync(file);
            }
        }
        Disk.syncFolder(path);
        Path old = Files.exists(target) ? TemporaryPaths.replacedName(target) : null;
        if (old != null) {
            Disk.rename(target, old);
        }
        try {
            Disk.rename(path, target);
        } catch (IOException e) {
            if (old != null) {
                Disk.rename(old, target);
            }
            throw e;
        }
        TemporaryPaths.release(path);
        Disk.syncFolder(Disk.folderOf(target));
        if (old != null) {
            TemporaryPaths.remove(old);
        }
    }

    /** Removes the folder unless it was committed. */
    @Override
    public void close() {
        if (TemporaryPaths.release(path)) {
            TemporaryPaths.remove(path);
        }
    }
}
