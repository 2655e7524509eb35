package io.lingen.mate;

import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;

/** The part of a block in which tokens exchange information: MATE, or the full attention of the DiT baseline. Immutable, thread-safe. */
public interface TokenMixer {
    /**
     * {@return the number of rows that the mixer needs in front of the tokens, for review tokens}
     *
     * @param grid the arrangement of the tokens
     */
    long leadingRows(Grid grid);

    /**
     * Computes residual += gate * mixed(tokens).
     *
     * @param residual [grid cells, d], F32
     * @param gate [d], F32
     * @param sequence [leadingRows + grid cells, d]: rows that the mixer may overwrite, followed by the normed tokens
     * @param grid the arrangement of the tokens
     * @param taps receives the output of every branch, without the gate
     */
    void addTo(Tensor residual, Tensor gate, Tensor sequence, Grid grid, Taps taps);
}
