package io.lingen.core.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Path;
import java.util.List;

/** A model among the resources of a class loader: in a jar, or in a folder of classes, from which files are mapped. */
final class ResourceSource extends ModelSource {
    private static final int BUFFER_BYTES = 1 << 16;

    private final ClassLoader loader;
    private final String base;
    private final boolean shapesOnly;

    ResourceSource(ClassLoader loader, String base) {
        this(loader, base, false);
    }

    private ResourceSource(ClassLoader loader, String base, boolean shapesOnly) {
        this.loader = loader;
        this.base = requireInside(base);
        this.shapesOnly = shapesOnly;
    }

    @Override
    public ModelSource shapesOnly() {
        return new ResourceSource(loader, base, true);
    }

    @Override
    public String name() {
        return base.substring(base.lastIndexOf('/') + 1);
    }

    @Override
    public boolean exists(String path) {
        return loader.getResource(resource(path)) != null;
    }

    @Override
    List<String> names(String folder) {
        return List.of();
    }

    @Override
    public byte[] read(String path, long maxBytes) {
        try (InputStream stream = url(path).openStream()) {
            return PlainFile.read(resource(path), stream, maxBytes);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    @Override
    InputStream stream(String path) throws IOException {
        return url(path).openStream();
    }

    @Override
    public SafetensorsFile open(String path) {
        if (!path.endsWith(".json")) {
            return file(path);
        }
        String folder = path.substring(0, path.lastIndexOf('/') + 1);
        return SafetensorsFile.ofIndex(
                resource(path), read(path, SafetensorsHeader.MAX_HEADER_BYTES), shard -> file(folder + shard));
    }

    @Override
    public String toString() {
        return "resource " + base;
    }

    @Override
    public MemorySegment memory(String path) {
        URL url = url(path);
        if (isRegularFile(url)) {
            return PlainFile.map(Path.of(URI.create(url.toString())));
        }
        try {
            URLConnection connection = url.openConnection();
            long size = connection.getContentLengthLong();
            try (InputStream stream = connection.getInputStream()) {
                return size < 0 ? MemorySegment.ofArray(stream.readAllBytes()) : copy(stream, size);
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    private SafetensorsFile file(String path) {
        return shapesOnly && !isRegularFile(url(path))
                ? header(path)
                : SafetensorsFile.of(resource(path), memory(path));
    }

    private SafetensorsFile header(String path) {
        try {
            URLConnection connection = url(path).openConnection();
            long size = connection.getContentLengthLong();
            try (InputStream stream = connection.getInputStream()) {
                return size < 0
                        ? SafetensorsFile.of(resource(path), memory(path))
                        : SafetensorsFile.of(
                                resource(path), MemorySegment.ofArray(SafetensorsHeader.head(stream)), size);
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    private static boolean isRegularFile(URL url) {
        return url.getProtocol().equals("file");
    }

    /** Copies a stream to memory outside the heap, whose limit is often smaller than the weights. */
    private static MemorySegment copy(InputStream stream, long size) throws IOException {
        MemorySegment memory = Arena.ofAuto().allocate(size, 64);
        byte[] buffer = new byte[BUFFER_BYTES];
        long done = 0;
        while (done < size) {
            int length = stream.readNBytes(buffer, 0, (int) Math.min(buffer.length, size - done));
            if (length == 0) {
                throw new IOException("the end of the stream after " + done + " of " + size + " bytes");
            }
            MemorySegment.copy(MemorySegment.ofArray(buffer), 0, memory, done, length);
            done += length;
        }
        return memory;
    }

    @Override
    public URL url(String path) {
        URL url = loader.getResource(resource(path));
        if (url == null) {
            throw new CheckpointException(
                    this + ": expected the file " + path + ", found none; check that the model's jar is complete");
        }
        return url;
    }

    private String resource(String path) {
        return base + "/" + requireInside(path);
    }

    private CheckpointException unreadable(String path, IOException e) {
        return new CheckpointException(this + ": expected a readable file " + path + ", found " + e, e);
    }
}
