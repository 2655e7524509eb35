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
 * oneDNN for the workers of one pool: the engine, the state of each worker, and a cache of compiled primitives, one per shape. Primitives
 * are single-threaded; the workers share the work. The least recently used primitives are freed when the cache is full. Thread-safe. Closed
 * after the last use by a kernel.
 */
public final class Dnnl implements AutoCloseable {
    /** The system property that disables oneDNN if its value is "false". */
    public static final String PROPERTY = "lingen.cpu.onednn";

    /** The size of the cache, enough for videos of several sizes. A primitive takes about 0.25 MB. */
    static final int MAX_PRIMITIVES = 512;

    /** The size of oneDNN's own cache, which other backends of the process share. */
    private static final int LIBRARY_CACHE = 128;

    private static final Logger LOG = LoggerFactory.getLogger(Dnnl.class);

    private final long engine;
    private final DnnlThread[] threads;
    private final Map<Object, Primitive> primitives = new ConcurrentHashMap<>();
    /** Read-locked by operations, which may use any primitive; write-locked to free primitives. */
    private final ReadWriteLock use = new ReentrantReadWriteLock();

    private final AtomicLong operations = new AtomicLong();
    private final Map<Object, Long> layouts = new ConcurrentHashMap<>();
    private final MatmulCache matmuls = new MatmulCache(this);
    private final boolean hasBf16;

    private Dnnl(int workers, SizeClassAllocator memory) {
        DnnlCalls.setCache(LIBRARY_CACHE);
        engine = DnnlCalls.engine();
        threads = new DnnlThread[workers];
        for (int i = 0; i < workers; i++) {
            threads[i] = new DnnlThread(engine, i, memory);
        }
        hasBf16 = matmuls.areFast(DType.BF16);
    }

    /**
     * Opens oneDNN, or logs the reason why it is unavailable.
     *
     * @param workers the number of workers that execute primitives
     * @param memory the allocator of scratchpads
     * @return oneDNN, or null if it is disabled, missing, or has no fast GEMMs for this processor
     */
    public static @Nullable Dnnl open(int workers, SizeClassAllocator memory) {
        if ("false".equals(System.getProperty(PROPERTY))) {
            LOG.info("oneDNN is disabled by -D{}=false; falling back to Java kernels", PROPERTY);
            return null;
        }
        if (DnnlLoader.library() == null) {
            LOG.info("{}; falling back to slower Java kernels", DnnlLoader.reason());
            return null;
        }
        try {
            Dnnl dnnl = new Dnnl(workers, memory);
            if (dnnl.matmuls.areFast(DType.F32)) {
                return dnnl;
            }
            dnnl.close();
            LOG.info("oneDNN has no fast GEMM for this processor; falling back to Java kernels");
        } catch (IllegalStateException | LinkageError e) {
            LOG.warn("oneDNN failed; falling back to slower Java kernels", e);
        }
        return null;
    }

    /** {@return a human-readable version, with the type of BF16 GEMMs} */
    public String description() {
        return "oneDNN " + DnnlCalls.version() + (hasBf16 ? " (BF16)" : " (F32)");
    }

    /**
     * {@return the type of the operands of GEMMs: the argument, or F32 if the processor has no fast BF16 GEMM}
     *
     * @param dtype the requested type, F32 or BF16
     */
    public DType gemmType(DType dtype) {
        return hasBf16 ? dtype : DType.F32;
    }

    /** Returns the type in which oneDNN stores a result. It has no fast F32 GEMMs or convolutions with BF16 results. */
    static DType storedType(DType operands, DType wanted) {
        return operands == DType.F32 ? DType.F32 : wanted;
    }

    /** Returns the matrix products. */
    MatmulCache matmuls() {
        return matmuls;
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

    /** Begins an operation: no primitive is freed until the same thread calls {@link #end}. Called before the workers start. */
    public void begin() {
        int count = primitives.size();
        if (count > MAX_PRIMITIVES && lockToFree(count)) {
            try {
                freeLeastRecentlyUsed();
            } finally {
                use.writeLock().unlock();
            }
        }
        use.readLock().lock();
        operations.incrementAndGet();
    }

    /** Locks if no operation is running. With more than twice the maximum of primitives, waits until none is running. */
    private boolean lockToFree(int count) {
        if (count > 2 * MAX_PRIMITIVES) {
            use.writeLock().lock();
            return true;
        }
        return use.writeLock().tryLock();
    }

    /** Ends the operation that this thread began. */
    public void end() {
        use.readLock().unlock();
    }

    private void freeLeastRecentlyUsed() {
        List<Map.Entry<Object, Primitive>> entries = new ArrayList<>(primitives.entrySet());
        entries.sort(Comparator.comparingLong(entry -> entry.getValue().lastUse()));
        // The count may be 0: another thread may have freed primitives in the meantime.
        int count = Math.max(0, entries.size() - MAX_PRIMITIVES * 3 / 4);
        for (Map.Entry<Object, Primitive> entry : entries.subList(0, count)) {
            primitives.remove(entry.getKey());
            entry.getValue().free();
        }
    }

    /** Returns the number of cached primitives. */
    int primitives() {
        return primitives.size();
    }

    /**
     * Returns the cached primitive of a key, or compiles it. The cache owns it; it is valid until the end of the current operation.
     *
     * @param key everything that {@code compile} depends on
     * @param compile compiles the primitive
     */
    Primitive primitive(Object key, Supplier<Primitive> compile) {
        Primitive primitive = primitives.get(key);
        if (primitive == null) {
            primitive = primitives.computeIfAbsent(key, same -> DnnlThread.singleThreaded(compile));
        }
        primitive.use(operations.get());
        return primitive;
    }

    /**
     * Returns the cached layout of a key, or creates it. The cache owns it.
     *
     * @param key everything that {@code create} depends on
     * @param create creates the layout
     */
    long layout(Object key, LongSupplier create) {
        return layouts.computeIfAbsent(key, same -> DnnlThread.singleThreaded(create::getAsLong));
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
