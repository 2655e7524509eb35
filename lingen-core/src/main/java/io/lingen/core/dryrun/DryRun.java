package io.lingen.core.dryrun;

import io.lingen.core.backend.Backend;
import io.lingen.core.spi.MemoryPool;
import io.lingen.core.spi.TensorStore;
import java.util.function.UnaryOperator;

/**
 * A backend without elements: a model that runs on it has its shapes checked, its operations counted and its tensor bytes summed as on a
 * real one. The need of a run is known before it starts, from the very code that will run. The {@link #pool} counts the memory that the
 * real backend would hold for these tensors; scratch memory within an operation is counted for the conversions of convolutions only.
 * Elements can't be read: {@link Backend#download} fails. Thread-safe.
 */
public final class DryRun implements AutoCloseable {
    private final MemoryPool pool;
    private final Backend backend;

    private DryRun(DryRunStore store) {
        this.pool = store.pool();
        this.backend = new Backend(store);
    }

    /** A dry run with the memory policy and chunk sizes of a real backend, which may be closed before it. */
    public static DryRun of(Backend real) {
        return new DryRun(
                new DryRunStore(real.store().newMemoryPool(), real.tokensPerChunk(), real.store()::packedType));
    }

    /** A dry run that counts the bytes of tensors exactly, without a backend's rounding and reuse. */
    public static DryRun exact() {
        return new DryRun(
                new DryRunStore(MemoryPool.exact(), TensorStore.DEFAULT_TOKENS_PER_CHUNK, UnaryOperator.identity()));
    }

    /** The backend to run the model on; closed with this dry run. */
    public Backend backend() {
        return backend;
    }

    /** The memory held for its tensors. */
    public MemoryPool pool() {
        return pool;
    }

    @Override
    public void close() {
        backend.close();
    }
}
