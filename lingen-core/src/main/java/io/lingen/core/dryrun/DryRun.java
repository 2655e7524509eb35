package io.lingen.core.dryrun;

import io.lingen.core.backend.Backend;
import io.lingen.core.spi.MemoryPool;
import io.lingen.core.spi.TensorStore;
import java.util.function.UnaryOperator;

/**
 * A backend without elements, which measures the cost of a run before it starts. The code of the model runs on it as on a real backend:
 * shapes are checked, operations are counted, and the bytes of tensors are added up.
 *
 * <p>{@link #pool} counts the memory that the real backend would hold for these tensors. Scratch memory within an operation is not counted,
 * except for the type conversions of convolutions. Elements cannot be read: {@link Backend#download} throws. Thread-safe.
 */
public final class DryRun implements AutoCloseable {
    private final MemoryPool pool;
    private final Backend backend;

    private DryRun(DryRunStore store) {
        this.pool = store.pool();
        this.backend = new Backend(store);
    }

    /**
     * {@return a dry run with the allocation policy and the chunk size of a real backend}
     *
     * @param real the backend; it may be closed before the dry run
     */
    public static DryRun of(Backend real) {
        return new DryRun(
                new DryRunStore(real.store().newMemoryPool(), real.tokensPerChunk(), real.store()::packedType));
    }

    /** {@return a dry run that counts the exact bytes of tensors, without the rounding and reuse of a real backend} */
    public static DryRun exact() {
        return new DryRun(
                new DryRunStore(MemoryPool.exact(), TensorStore.DEFAULT_TOKENS_PER_CHUNK, UnaryOperator.identity()));
    }

    /** {@return the backend that the model runs on} It is closed with this dry run. */
    public Backend backend() {
        return backend;
    }

    /** {@return the counter of the memory held for tensors} */
    public MemoryPool pool() {
        return pool;
    }

    /** Closes the backend. */
    @Override
    public void close() {
        backend.close();
    }
}
