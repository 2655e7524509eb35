package io.lingen.cpu.internal.kernel;

import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.core.spi.pool.PooledTensor;
import org.jspecify.annotations.Nullable;

/** Softmax attention. Thread-safe. */
public interface AttentionKernel {
    /** See {@link io.lingen.core.backend.Backend#attention}. Shapes are checked. */
    void attention(Heads q, Heads k, Heads v, @Nullable Tensor mask, PooledTensor out);

    /** See {@link io.lingen.core.backend.Backend#windowAttention}. Shapes are checked. */
    void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, PooledTensor out);
}
