package io.lingen.core.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A model with some files added or replaced by files from elsewhere. */
final class OverlaySource extends ModelSource {
    private final ModelSource base;
    private final Map<String, Path> files;

    OverlaySource(ModelSource base, Map<String, Path> files) {
        this.base = base;
        this.files = Map.copyOf(files);
        files.keySet().forEach(ModelSource::requireInside);
    }

    @Override
    public String name() {
        return base.name();
    }

    @Override
    public boolean exists(String path) {
        Path file = files.get(path);
        return file == null ? base.exists(path) : Files.isRegularFile(file);
    }

    @Override
    List<String> names(String folder) {
        return base.names(folder);
    }

    @Override
    public boolean isOverlaid(String path) {
        return files.containsKey(path);
    }

    @Override
    public byte[] read(String path, long maxBytes) {
        Path file = files.get(path);
        return file == null ? base.read(path, maxBytes) : PlainFile.read(file, maxBytes);
    }

    @Override
    InputStream stream(String path) throws IOException {
        Path file = files.get(path);
        return file == null ? base.stream(path) : PlainFile.stream(file);
    }

    @Override
    public URL url(String path) {
        Path file = files.get(path);
        if (file == null) {
            return base.url(path);
        }
        PlainFile.require(file);
        try {
            return file.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new CheckpointException(PlainFile.shown(file) + ": expected a file that has a URL, found " + e, e);
        }
    }

    @Override
    public MemorySegment memory(String path) {
        Path file = files.get(path);
        return file == null ? base.memory(path) : PlainFile.map(file);
    }

    @Override
    public SafetensorsFile open(String path) {
        Path file = files.get(path);
        return file == null ? base.open(path) : SafetensorsFile.open(file);
    }

    @Override
    public ModelSource shapesOnly() {
        return new OverlaySource(base.shapesOnly(), files);
    }

    @Override
    public void close() {
        base.close();
    }

    @Override
    public String toString() {
        return base.toString();
    }
}
