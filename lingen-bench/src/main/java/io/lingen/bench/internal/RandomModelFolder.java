package io.lingen.bench.internal;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Creates folders of models with random weights. A marker file distinguishes them from other models, which must not be overwritten. */
final class RandomModelFolder {
    private static final String MARKER = "RANDOM_WEIGHTS";

    private RandomModelFolder() {}

    /**
     * Creates a folder, or accepts one that this method has created before.
     *
     * @param model the folder of the model
     * @throws IOException if it contains other files or cannot be created
     */
    static void create(Path model) throws IOException {
        Path marker = model.resolve(MARKER);
        if (Files.exists(marker)) {
            return;
        }
        if (Files.exists(model) && !isEmptyFolder(model)) {
            throw new IOException(model
                    + " must be empty or contain a model with random weights, found other files; use another folder");
        }
        Files.createDirectories(model);
        Files.createFile(marker);
    }

    private static boolean isEmptyFolder(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return false;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            return !files.iterator().hasNext();
        }
    }
}
