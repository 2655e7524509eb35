package io.lingen.internal.onnx;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import org.bytedeco.javacpp.Loader;

/**
 * Access to resources as files, for libraries that can read only files. A resource of a jar is unpacked once to the cache of JavaCPP. Each use
 * compares it with the checksum in the jar, because a damaged copy would change every video unnoticed.
 */
final class UnpackedResource {
    private static final int BUFFER_BYTES = 1 << 17;

    private UnpackedResource() {}

    /**
     * {@return the file of a resource}
     *
     * @throws IOException if it can't be unpacked
     */
    static Path file(URL url) throws IOException {
        if (url.getProtocol().equals("file")) {
            return Path.of(URI.create(url.toString()));
        }
        Path file = Loader.cacheResource(url).toPath();
        if (!isIntact(file, url)) {
            Files.delete(file);
            file = Loader.cacheResource(url).toPath();
            if (!isIntact(file, url)) {
                throw new IOException(
                        file + " must equal the resource " + url + ", found another checksum; check the disk");
            }
        }
        return file;
    }

    /** Whether a file has the checksum of a jar's entry; true if the resource has none. */
    private static boolean isIntact(Path file, URL url) throws IOException {
        URLConnection connection = url.openConnection();
        return !(connection instanceof JarURLConnection jar)
                || crc(file) == jar.getJarEntry().getCrc();
    }

    private static long crc(Path file) throws IOException {
        try (CheckedInputStream stream = new CheckedInputStream(Files.newInputStream(file), new CRC32())) {
            byte[] buffer = new byte[BUFFER_BYTES];
            while (stream.read(buffer) >= 0) {
                continue;
            }
            return stream.getChecksum().getValue();
        }
    }
}
