package io.lingen.core.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A model in a folder. */
final class FolderSource extends ModelSource {
    private final Path folder;

    FolderSource(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException(folder + ": expected a model folder with a model_index.json, found "
                    + (Files.exists(folder) ? "a file" : "nothing") + "; check the path");
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
        return Files.isRegularFile(PlainFile.in(folder, requireInside(path)));
    }

    @Override
    List<String> names(String path) {
        try (Stream<Path> files = Files.list(PlainFile.in(folder, requireInside(path)))) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .sorted()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of();
        }
    }

    @Override
    public byte[] read(String path, long maxBytes) {
        return PlainFile.read(PlainFile.in(folder, requireInside(path)), maxBytes);
    }

    @Override
    InputStream stream(String path) throws IOException {
        return PlainFile.stream(PlainFile.in(folder, requireInside(path)));
    }

    @Override
    public URL url(String path) {
        Path file = PlainFile.in(folder, requireInside(path));
        PlainFile.require(file);
        try {
            return file.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new CheckpointException(PlainFile.shown(file) + ": expected a file that has a URL, found " + e, e);
        }
    }

    @Override
    public MemorySegment memory(String path) {
        return PlainFile.map(PlainFile.in(folder, requireInside(path)));
    }

    @Override
    public SafetensorsFile open(String path) {
        return SafetensorsFile.open(PlainFile.in(folder, requireInside(path)));
    }

    @Override
    public String toString() {
        return folder.toString();
    }
}
