package io.lingen.internal;

import io.lingen.ModelIndex;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.Checksums;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.text.OnnxTextEncoderConfig;
import java.util.ArrayList;
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

    /**
     * Finds the files through the model's index.
     *
     * @throws CheckpointException if a configuration is missing or ill-formed
     */
    public ModelFiles(ModelSource source, ModelIndex index) {
        this.source = source;
        this.paths = new TreeSet<>(List.of(ModelIndex.FILE, config(index.scheduler())));
        if (index.thesaurus() != null) {
            paths.add(index.thesaurus());
        }
        for (String component : List.of(index.transformer(), index.vae())) {
            paths.add(config(component));
            paths.addAll(source.tensorFiles(component));
        }
        for (String component : index.textEncoders()) {
            paths.add(config(component));
            paths.addAll(encoderFiles(component));
        }
    }

    private List<String> encoderFiles(String component) {
        OnnxTextEncoderConfig encoder = OnnxTextEncoderConfig.read(source.config(config(component)));
        return encoder.isEmbedded()
                ? List.of()
                : List.of(component + "/" + encoder.model(), component + "/" + encoder.tokenizer());
    }

    private static String config(String component) {
        return component + "/config.json";
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
            Checksums found = Checksums.compute(source, paths);
            found.requireEqual(source.name() + "/" + Checksums.FILE, Checksums.read(source));
            hash = found.sha256();
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
