package io.lingen.mate;

import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import org.jspecify.annotations.Nullable;

/** A bidirectional state space model over a grid of tokens. Immutable, thread-safe. */
interface Mamba {
    /**
     * Computes residual += gate * mamba(tokens).
     *
     * @param sequence [review cells + grid cells, d]
     * @param review the arrangement of the review tokens in front, or null for none
     * @param taps receives "ma"
     */
    void addTo(
            Tensor residual,
            Tensor gate,
            Tensor sequence,
            Grid grid,
            @Nullable Grid review,
            ScanOrder order,
            Taps taps);
}
