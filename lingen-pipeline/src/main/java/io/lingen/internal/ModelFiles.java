package io.lingen.internal;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.Checksums;
import io.lingen.core.checkpoint.ModelSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The files of a model and their checksums. The checksums are computed once: by {@link #check} if the model lists the expected ones,
 * otherwise by the first call of {@link #hash}. Thread-safe.
 */
public final class ModelFiles {
    private final ModelSource source;
    private final Set<String> paths;
    private volatile @Nullable Checksums sums;

    /**
     * Creates the list of files.
     *
     * @param source the model, open as long as this object is used
     * @param paths the paths of the files within the model
     */
    public ModelFiles(ModelSource source, Collection<String> paths) {
        this.source = source;
        this.paths = new TreeSet<>(paths);
    }

    /** {@return the paths within the model, sorted} */
    public List<String> paths() {
        return new ArrayList<>(paths);
    }

    /**
     * Compares the files with the {@value Checksums#FILE} of the model, if it has one.
     *
     * @throws CheckpointException with the names of the files that differ or are not listed
     */
    public void check() {
        if (source.exists(Checksums.FILE)) {
            List<String> own =
                    paths.stream().filter(path -> !source.isOverlaid(path)).toList();
            Checksums found = Checksums.compute(source, own);
            found.requireEqual(source.name() + "/" + Checksums.FILE, Checksums.read(source));
            if (own.size() == paths.size()) {
                sums = found;
            }
        }
    }

    /**
     * {@return the SHA-256 checksum of the listing of all files, in hexadecimal}
     *
     * @throws CheckpointException if a file can't be read
     */
    public String hash() {
        return sums().sha256();
    }

    /**
     * {@return the SHA-256 checksum of the listing of some of the files, in hexadecimal}
     *
     * @param of some of the {@link #paths}
     * @throws CheckpointException if a file can't be read
     */
    public String hash(Collection<String> of) {
        return sums().of(of).sha256();
    }

    /**
     * {@return the SHA-256 checksum of one of the files, in hexadecimal}
     *
     * @param path one of the {@link #paths}
     * @throws CheckpointException if a file can't be read
     */
    public String checksum(String path) {
        return sums().of(path);
    }

    private Checksums sums() {
        Checksums known = sums;
        if (known == null) {
            synchronized (this) {
                known = sums;
                if (known == null) {
                    known = Checksums.compute(source, paths);
                    sums = known;
                }
            }
        }
        return known;
    }
}
