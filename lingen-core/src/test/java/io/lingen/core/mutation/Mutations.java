package io.lingen.core.mutation;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A test of a reader with damaged files. Each file must be read, or rejected by one of the allowed exceptions with a message that fits a
 * screen and has no control characters. Time is limited, and memory in proportion to the size of the file. The number of files per kind is
 * {@code -Dlingen.mutations}, the seed {@code -Dlingen.seed}; a failure names both.
 */
public final class Mutations {
    private static final int DEFAULT_COUNT = 150;
    private static final int TIMEOUT_SECONDS = 20;
    private static final int MAX_MESSAGE = 1000;

    /** The largest allocation of a reader per byte of a file: twice that of a JSON tree. */
    private static final long BYTES_PER_BYTE = 256;

    private static final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** A reader of files. */
    @FunctionalInterface
    public interface Reader {
        /**
         * Reads a file completely.
         *
         * @param file the contents
         * @throws Exception one of those allowed, if the file is damaged
         */
        void read(byte[] file) throws Exception;
    }

    private final String kind;
    private final Reader reader;
    private final long fixedBytes;
    private final Set<Class<? extends Exception>> allowed;

    /**
     * Creates a test.
     *
     * @param kind the kind of file, for messages
     * @param fixedBytes the allocation of the reader that is independent of the file's size
     * @param allowed the exceptions by which a file may be rejected
     * @param reader the reader under test
     */
    public Mutations(String kind, long fixedBytes, Set<Class<? extends Exception>> allowed, Reader reader) {
        this.kind = kind;
        this.fixedBytes = fixedBytes;
        this.allowed = allowed;
        this.reader = reader;
    }

    /** {@return the number of damaged files of each kind} */
    public static int count() {
        return Integer.getInteger("lingen.mutations", DEFAULT_COUNT);
    }

    /**
     * Reads a good file, followed by {@link #count} files with damage anywhere.
     *
     * @param good a valid file
     * @param rejectedAtLeast the smallest share of damaged files that must be rejected
     * @throws Exception if the good file is rejected
     */
    public void run(byte[] good, double rejectedAtLeast) throws Exception {
        run(good, good.length, rejectedAtLeast);
    }

    /**
     * Reads a good file, followed by {@link #count} damaged ones.
     *
     * @param good a valid file
     * @param focus the number of bytes at the start that have most of the damage
     * @param rejectedAtLeast the smallest share of damaged files that must be rejected
     * @throws Exception if the good file is rejected
     */
    public void run(byte[] good, int focus, double rejectedAtLeast) throws Exception {
        long seed = Long.getLong("lingen.seed", 0);
        int count = count();
        reader.read(good);
        int rejected = 0;
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            for (int i = 0; i < count; i++) {
                byte[] damaged = Damage.of(good, focus, new Random(seed * 1_000_003 + i));
                rejected += thread.submit(() -> isRejected(damaged)).get(TIMEOUT_SECONDS, TimeUnit.SECONDS) ? 1 : 0;
            }
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError(failure(seed, e instanceof TimeoutException ? e : e.getCause()), e.getCause());
        } finally {
            thread.shutdownNow();
        }
        System.out.printf("%s: %d damaged, %d rejected, seed %d%n", kind, count, rejected, seed);
        assertTrue(rejected >= rejectedAtLeast * count, kind + ": rejected are " + rejected + " of " + count);
    }

    private String failure(long seed, Throwable cause) {
        return kind + ": a damaged file gave " + cause + "; again with -Dlingen.seed=" + seed + " -Dlingen.mutations="
                + count();
    }

    private boolean isRejected(byte[] damaged) {
        long before = threads.getCurrentThreadAllocatedBytes();
        try {
            reader.read(damaged);
            return false;
        } catch (Exception e) {
            if (!allowed.contains(e.getClass())) {
                throw new AssertionError("an unexpected " + e, e);
            }
            requireReadable(e);
            return true;
        } finally {
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(
                    allocated <= fixedBytes + BYTES_PER_BYTE * damaged.length,
                    allocated + " bytes of memory for a file of " + damaged.length);
        }
    }

    private static void requireReadable(Exception e) {
        String message = String.valueOf(e.getMessage());
        assertTrue(message.length() <= MAX_MESSAGE, message);
        assertTrue(message.codePoints().noneMatch(Character::isISOControl), message);
    }
}
