package io.lingen.cuda.internal.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests of the cache of compiled kernels. */
final class CubinCacheTest {
    private static final byte[] CUBIN = {1, 2, 3, 4, 5};

    @TempDir
    Path folder;

    private final AtomicInteger compiled = new AtomicInteger();
    private final Supplier<byte[]> compile = () -> {
        compiled.incrementAndGet();
        return CUBIN.clone();
    };

    @Test
    void kernelsAreCompiledOnce() {
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(CUBIN, new CubinCache(folder.resolve("new")).get("key", compile));
        }
        assertEquals(1, compiled.get());
        new CubinCache(folder.resolve("new")).get("other", compile);
        assertEquals(2, compiled.get());
    }

    @Test
    void damagedFilesAreReplaced() throws IOException {
        CubinCache cache = new CubinCache(folder);
        cache.get("key", compile);
        Path file = folder.resolve("key.cubin");
        byte[] whole = Files.readAllBytes(file);
        byte[] flipped = whole.clone();
        flipped[flipped.length - 1] ^= 1;
        for (byte[] damaged : List.of(new byte[0], new byte[] {7}, java.util.Arrays.copyOf(whole, 34), flipped)) {
            Files.write(file, damaged);
            int before = compiled.get();
            assertArrayEquals(CUBIN, cache.get("key", compile));
            assertEquals(before + 1, compiled.get());
            assertArrayEquals(whole, Files.readAllBytes(file));
        }
        try (var files = Files.list(folder)) {
            assertEquals(1, files.count(), "partial files are deleted");
        }
    }

    @Test
    void unwritableFoldersAreTolerated() throws IOException {
        Path file = Files.createFile(folder.resolve("a file"));
        CubinCache cache = new CubinCache(file.resolve("below"));
        assertArrayEquals(CUBIN, cache.get("key", compile));
        assertArrayEquals(CUBIN, cache.get("key", compile));
        assertEquals(2, compiled.get());
    }

    @Test
    void keysDependOnSourcesHeadersAndOptions() {
        KernelSource source = KernelSource.of("norms");
        KernelSource changed = new KernelSource(source.name(), source.text() + " ", source.headers());
        KernelSource other = new KernelSource(source.name(), source.text(), Map.of("device.cuh", ""));
        String hash = source.hash(List.of("13.0", "sm_90"));
        assertEquals(hash, KernelSource.of("norms").hash(List.of("13.0", "sm_90")));
        assertNotEquals(hash, source.hash(List.of("13.0", "sm_80")));
        assertNotEquals(hash, source.hash(List.of("12.0", "sm_90")));
        assertNotEquals(hash, changed.hash(List.of("13.0", "sm_90")));
        assertNotEquals(hash, other.hash(List.of("13.0", "sm_90")));
    }
}
