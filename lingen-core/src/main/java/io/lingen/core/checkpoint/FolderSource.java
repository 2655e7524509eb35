package io.lingen.core.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A model in a folder. */
final class FolderSource extends ModelSource {
    private final Path folder;

    FolderSource(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException(folder + ": expected a model folder with a model_index.json, found "
                    + (Files.exists(folder) ? "a file" : "nothing") + ". Check the path");
        }
        this.folder = folder;
    }

    @Override
    public String name() {
        Path name = folder.toAbsolutePath().normalize().getFileName();
        return name == null ? folder.toString() : name.toString();
    }

    @Override
    public boolean exists(String path) {
        return Files.isRegularFile(folder.resolve(requireInside(path)));
    }

    @Override
    public byte[] read(String path) {
        Path file = folder.resolve(requireInside(path));
        if (!Files.isRegularFile(file)) {
            throw new CheckpointException(file + ": expected a file, found none. Is the model complete?");
        }
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new CheckpointException(file + ": expected a readable file, found " + e, e);
        }
    }

    @Override
    SafetensorsFile open(String path) {
        return SafetensorsFile.open(folder.resolve(requireInside(path)));
    }

    @Override
    public String toString() {
        return folder.toString();
    }
}
