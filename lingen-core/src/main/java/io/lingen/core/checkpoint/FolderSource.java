package io.lingen.core.checkpoint;

import java.io.IOException;
import java.io.InputStream;
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
    byte[] read(String path, long maxBytes) {
        return PlainFile.read(folder.resolve(requireInside(path)), maxBytes);
    }

    @Override
    InputStream stream(String path) throws IOException {
        return PlainFile.stream(folder.resolve(requireInside(path)));
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
