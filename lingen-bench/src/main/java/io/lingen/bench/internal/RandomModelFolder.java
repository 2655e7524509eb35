package io.lingen.bench.internal;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Folders of models with random weights. A marker distinguishes them from real models, which must not be overwritten. */
final class RandomModelFolder {
    private static final String MARKER = "RANDOM_WEIGHTS";

    private RandomModelFolder() {}

    /**
     * Creates a folder. One that was created here before may be written again.
     *
     * @param model the folder of the model
     * @throws IOException if it contains other files or can't be created
     */
    static void create(Path model) throws IOException {
        Path marker = model.resolve(MARKER);
        if (Files.exists(marker)) {
            return;
        }
        if (Files.exists(model) && !isEmptyFolder(model)) {
            throw new IOException(model
                    + " must be an empty folder or one of random weights, found other files; name another folder");
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
