package io.lingen.mate;

import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;

/** What exchanges information between a block's tokens: MATE, or the baseline's full attention. Immutable, thread-safe. */
public interface TokenMixer {
    /** The number of rows that the mixer wants free in front of the tokens, for review tokens. */
    long leadingRows(Grid grid);

    /**
     * residual += gate * mixed(tokens).
     *
     * @param sequence [leadingRows + grid cells, d]: the normed tokens behind rows that the mixer may overwrite
     * @param gate [d], F32
     * @param residual [grid cells, d], F32
     * @param taps receives every branch's output, without the gate
     */
    void addTo(Tensor residual, Tensor gate, Tensor sequence, Grid grid, Taps taps);
}
