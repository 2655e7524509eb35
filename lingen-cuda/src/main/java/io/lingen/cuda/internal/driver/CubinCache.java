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
 * A cache of compiled kernels on disk. A file holds the SHA-256 of its code, followed by the code. Damaged files are compiled again. If the
 * folder is not writable, the cache logs a warning, and every start compiles the kernels. Thread-safe. Several processes may share the
 * folder, since files are moved into it atomically.
 */
public final class CubinCache {
    /** The system property for the folder. */
    public static final String PROPERTY = "lingen.cuda.cache";

    private static final Logger LOG = LoggerFactory.getLogger(CubinCache.class);
    private static final int HASH_BYTES = 32;

    private final Path folder;

    /**
     * Creates a cache.
     *
     * @param folder the folder, created on the first write
     */
    public CubinCache(Path folder) {
        this.folder = folder;
    }

    /** {@return the cache in the folder of {@link #PROPERTY}, or else in the cache folder of the user} */
    public static CubinCache ofUser() {
        String named = System.getProperty(PROPERTY);
        return new CubinCache(
                named != null ? Path.of(named) : home().resolve("lingen").resolve("cubins"));
    }

    /**
     * Returns the code of a key, compiled and stored if it is missing.
     *
     * @param key everything that the code depends on, as a file name
     * @param compile compiles the code
     * @return the code
     */
    public byte[] get(String key, Supplier<byte[]> compile) {
        Path file = folder.resolve(key + ".cubin");
        try {
            byte[] stored = Files.readAllBytes(file);
            byte[] cubin = Arrays.copyOfRange(stored, Math.min(HASH_BYTES, stored.length), stored.length);
            if (stored.length > HASH_BYTES && Arrays.equals(Arrays.copyOf(stored, HASH_BYTES), hash(cubin))) {
                return cubin;
            }
            LOG.warn("{} is damaged; compiling it again", file);
        } catch (IOException e) {
            LOG.debug("{} is not in the cache", file);
        }
        byte[] cubin = compile.get();
        store(file, cubin);
        return cubin;
    }

    private void store(Path file, byte[] cubin) {
        try {
            Files.createDirectories(folder);
            Path partial = Files.createTempFile(folder, "partial", null);
            try {
                byte[] stored = Arrays.copyOf(hash(cubin), HASH_BYTES + cubin.length);
                System.arraycopy(cubin, 0, stored, HASH_BYTES, cubin.length);
                Files.write(partial, stored);
                Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(partial);
            }
        } catch (IOException e) {
            LOG.warn(
                    "the cache of compiled kernels must be writable, found {} ({}); every start compiles them again; "
                            + "choose a folder with -D{}=...",
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
