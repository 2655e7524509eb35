package io.lingen.cuda.internal.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiled kernels on disk, each file a SHA-256 of what follows it. A file that is not what was written is compiled again; a folder that
 * can't be written costs one warning and the time to compile. Thread-safe, between processes too: files appear whole.
 */
public final class CubinCache {
    /** The system property that names another folder. */
    public static final String PROPERTY = "lingen.cuda.cache";

    private static final Logger LOG = LoggerFactory.getLogger(CubinCache.class);
    private static final int HASH_BYTES = 32;

    private final Path folder;

    public CubinCache(Path folder) {
        this.folder = folder;
    }

    /** The user's cache. */
    public static CubinCache ofUser() {
        String named = System.getProperty(PROPERTY);
        return new CubinCache(
                named != null ? Path.of(named) : home().resolve("lingen").resolve("cubins"));
    }

    /** What is kept under a key; if nothing is, what {@code compile} gives, which is then kept. */
    public byte[] get(String key, Supplier<byte[]> compile) {
        Path file = folder.resolve(key + ".cubin");
        try {
            byte[] kept = Files.readAllBytes(file);
            byte[] cubin = Arrays.copyOfRange(kept, Math.min(HASH_BYTES, kept.length), kept.length);
            if (kept.length > HASH_BYTES && Arrays.equals(Arrays.copyOf(kept, HASH_BYTES), hash(cubin))) {
                return cubin;
            }
            LOG.warn("{} is damaged; it is compiled again", file);
        } catch (IOException e) {
            LOG.debug("no {} yet", file);
        }
        byte[] cubin = compile.get();
        keep(file, cubin);
        return cubin;
    }

    private void keep(Path file, byte[] cubin) {
        try {
            Files.createDirectories(folder);
            Path partial = Files.createTempFile(folder, "partial", null);
            try {
                byte[] whole = Arrays.copyOf(hash(cubin), HASH_BYTES + cubin.length);
                System.arraycopy(cubin, 0, whole, HASH_BYTES, cubin.length);
                Files.write(partial, whole);
                Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(partial);
            }
        } catch (IOException e) {
            LOG.warn(
                    "compiled kernels can't be kept in {} ({}); every start compiles them: name a folder with -D{}=...",
                    folder,
                    e.toString(),
                    PROPERTY);
        }
    }

    private static Path home() {
        String cache = System.getenv("XDG_CACHE_HOME");
        return cache != null && !cache.isBlank() ? Path.of(cache) : Path.of(System.getProperty("user.home"), ".cache");
    }

    private static byte[] hash(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }
}
