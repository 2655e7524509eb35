package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.cpu.internal.SizeClassAllocator;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * oneDNN, opened for the workers of one pool: its engine, what it keeps per worker, and the primitives compiled so far. Primitives are
 * made for one thread; the workers share the work among themselves. Of primitives there is one for every shape: those of the shapes that
 * were not seen for the longest time are freed when there are too many. Thread-safe. Close it after the last kernel has used it.
 */
public final class Dnnl implements AutoCloseable {
    /** The system property that switches the library off when it is "false". */
    public static final String PROPERTY = "lingen.cpu.onednn";

    /** Several clips' worth of different sizes; one takes about a quarter of a megabyte. */
    static final int MOST_PRIMITIVES = 512;

    /** What the library keeps is kept here already; another backend of the process finds some of it there. */
    private static final int LIBRARY_CACHE = 128;

    private static final Logger LOG = LoggerFactory.getLogger(Dnnl.class);

    private final long engine;
    private final DnnlThread[] threads;
    private final Map<Object, Primitive> primitives = new ConcurrentHashMap<>();
    /** Read by operations, which may hold any primitive; written to free some. */
    private final ReadWriteLock use = new ReentrantReadWriteLock();

    private final AtomicLong operations = new AtomicLong();
    private final Map<Object, Long> layouts = new ConcurrentHashMap<>();
    private final MatmulCache products = new MatmulCache(this);
    private final boolean multipliesBf16;

    private Dnnl(int workers, SizeClassAllocator memory) {
        DnnlCalls.setCache(LIBRARY_CACHE);
        engine = DnnlCalls.engine();
        threads = new DnnlThread[workers];
        for (int i = 0; i < workers; i++) {
            threads[i] = new DnnlThread(engine, i, memory);
        }
        multipliesBf16 = products.areFast(DType.BF16);
    }

    /**
     * Opens the library, or logs one line that says why not.
     *
     * @param workers the number of workers that will execute primitives
     * @param memory where scratchpads are allocated
     * @return null if the library is switched off, is missing, or doesn't work here
     */
    public static @Nullable Dnnl open(int workers, SizeClassAllocator memory) {
        if ("false".equals(System.getProperty(PROPERTY))) {
            LOG.info("oneDNN is switched off by -D{}=false; pure-Java kernels compute everything", PROPERTY);
            return null;
        }
        if (DnnlLoader.library() == null) {
            LOG.info("{}; pure-Java kernels compute everything, more slowly", DnnlLoader.reason());
            return null;
        }
        try {
            Dnnl dnnl = new Dnnl(workers, memory);
            if (dnnl.products.areFast(DType.F32)) {
                return dnnl;
            }
            dnnl.close();
            LOG.info("oneDNN has no fast products for this processor; pure-Java kernels compute everything");
        } catch (IllegalStateException | LinkageError e) {
            LOG.warn("oneDNN doesn't work here; pure-Java kernels compute everything, more slowly", e);
        }
        return null;
    }

    /** The version, and how BF16 products are formed, for people. */
    public String description() {
        return "oneDNN " + DnnlCalls.version() + (multipliesBf16 ? " (BF16 products)" : " (F32 products)");
    }

    /** The type in which products of a type are formed: F32 for both where the processor has no BF16 products. */
    public DType productType(DType dtype) {
        return multipliesBf16 ? dtype : DType.F32;
    }

    /**
     * The type in which a product is stored that is to be of a type: the library has no fast products or
     * convolutions of F32 that are stored as BF16.
     */
    static DType storedType(DType product, DType wanted) {
        return product == DType.F32 ? DType.F32 : wanted;
    }

    /** Matrix products. */
    MatmulCache products() {
        return products;
    }

    int workers() {
        return threads.length;
    }

    long engine() {
        return engine;
    }

    DnnlThread thread(int worker) {
        return threads[worker];
    }

    /** Begins an operation: until {@link #end} no primitive is freed. By the thread that asks for the operation, whoever computes it. */
    public void begin() {
        int count = primitives.size();
        if (count > MOST_PRIMITIVES && freesNow(count)) {
            try {
                freeLongestUnused();
            } finally {
                use.writeLock().unlock();
            }
        }
        use.readLock().lock();
        operations.incrementAndGet();
    }

    /** Whether no other operation is under way; with far too many primitives it waits for that. */
    private boolean freesNow(int count) {
        if (count > 2 * MOST_PRIMITIVES) {
            use.writeLock().lock();
            return true;
        }
        return use.writeLock().tryLock();
    }

    /** Ends what the same thread began. */
    public void end() {
        use.readLock().unlock();
    }

    private void freeLongestUnused() {
        List<Map.Entry<Object, Primitive>> entries = new ArrayList<>(primitives.entrySet());
        entries.sort(Comparator.comparingLong(entry -> entry.getValue().lastUse()));
        // Another thread may have been here since they were counted.
        int tooMany = Math.max(0, entries.size() - MOST_PRIMITIVES * 3 / 4);
        for (Map.Entry<Object, Primitive> entry : entries.subList(0, tooMany)) {
            primitives.remove(entry.getKey());
            entry.getValue().free();
        }
    }

    /** How many primitives there are. */
    int primitives() {
        return primitives.size();
    }

    /**
     * The primitive under a key, which holds all that {@code compile} depends on. Owned by this object; to be used within the operation
     * that asks for it.
     */
    Primitive primitive(Object key, Supplier<Primitive> compile) {
        Primitive primitive = primitives.get(key);
        if (primitive == null) {
            primitive = primitives.computeIfAbsent(key, same -> DnnlThread.alone(compile));
        }
        primitive.use(operations.get());
        return primitive;
    }

    /** The layout under a key, which holds all that {@code make} depends on. Owned by this object. */
    long layout(Object key, LongSupplier make) {
        return layouts.computeIfAbsent(key, same -> DnnlThread.alone(make::getAsLong));
    }

    @Override
    public void close() {
        primitives.values().forEach(Primitive::free);
        primitives.clear();
        layouts.values().forEach(DnnlCalls::freeLayout);
        layouts.clear();
        for (DnnlThread thread : threads) {
            thread.free();
        }
        DnnlCalls.freeEngine(engine);
    }
}
