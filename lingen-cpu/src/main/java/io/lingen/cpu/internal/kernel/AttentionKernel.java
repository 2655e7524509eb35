package io.lingen.cpu.internal.kernel;

import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.core.spi.pool.PooledTensor;
import org.jspecify.annotations.Nullable;

/** Softmax attention. Thread-safe. */
public interface AttentionKernel {
    /**
     * Computes {@link io.lingen.core.backend.Backend#attention}.
     *
     * @param q n queries
     * @param k m keys
     * @param v m values
     * @param weights [m], or null for 1
     * @param out [n, q.width()]
     */
    void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, PooledTensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#windowAttention}.
     *
     * @param q grid.cells() queries
     * @param k grid.cells() keys
     * @param v grid.cells() values
     * @param grid the grid of tokens
     * @param windows the partition of the grid
     * @param bias [heads, windows.offsets()], or null for none
     * @param out [grid.cells(), q.width()]
     */
    void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, PooledTensor out);
}
