package io.lingen.internal;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.Checksums;
import io.lingen.core.checkpoint.ModelSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The files that a model consists of, and their sums. They are computed once: at {@link #check} if the model holds what they should be,
 * else when the {@link #hash} is asked for. Thread-safe.
 */
public final class ModelFiles {
    private final ModelSource source;
    private final Set<String> paths;
    private volatile String hash = "";

    /** @param paths inside the model */
    public ModelFiles(ModelSource source, Collection<String> paths) {
        this.source = source;
        this.paths = new TreeSet<>(paths);
    }

    /** The paths inside the model, sorted. */
    public List<String> paths() {
        return new ArrayList<>(paths);
    }

    /**
     * Compares the files with the model's {@value Checksums#FILE}, if it has one.
     *
     * @throws CheckpointException naming the files that differ
     */
    public void check() {
        if (source.exists(Checksums.FILE)) {
            List<String> own =
                    paths.stream().filter(path -> !source.isOverlaid(path)).toList();
            Checksums found = Checksums.compute(source, own);
            found.requireEqual(source.name() + "/" + Checksums.FILE, Checksums.read(source));
            if (own.size() == paths.size()) {
                hash = found.sha256();
            }
        }
    }

    /**
     * One SHA-256 sum for all files, in hexadecimal.
     *
     * @throws CheckpointException if a file has become unreadable
     */
    public String hash() {
        if (hash.isEmpty()) {
            synchronized (this) {
                if (hash.isEmpty()) {
                    hash = Checksums.compute(source, paths).sha256();
                }
            }
        }
        return hash;
    }
}
