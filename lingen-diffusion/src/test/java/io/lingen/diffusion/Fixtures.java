package io.lingen.diffusion;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;

/** The golden files of the module src-test-fixtures, from the class path. */
public final class Fixtures {
    private static final String BASE = "io/lingen/fixtures/";

    private Fixtures() {}

    public static ModelSource model(String name) {
        return ModelSource.ofResource(Fixtures.class.getClassLoader(), BASE + name);
    }

    public static SafetensorsFile tensors(String path) {
        return SafetensorsFile.of(path, MemorySegment.ofArray(bytes(path)));
    }

    static byte[] bytes(String path) {
        try (InputStream stream = Fixtures.class.getClassLoader().getResourceAsStream(BASE + path)) {
            if (stream == null) {
                throw new IllegalStateException("no fixture " + path + " on the class path");
            }
            return stream.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
