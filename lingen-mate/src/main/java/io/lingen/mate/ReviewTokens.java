package io.lingen.mate;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;

/**
 * Review tokens: average-pooled tokens in front of the scan, which give its state an overview of the video before the first token
 * (specification, section 3). Without parameters.
 *
 * @param pool kernel and stride; blocks at the end of an axis average the tokens that exist
 */
public record ReviewTokens(Dims3 pool) {
    /**
     * {@return the arrangement of the review tokens}
     *
     * @param grid the arrangement of the tokens
     */
    public Grid of(Grid grid) {
        return grid.dividedBy(pool);
    }

    /**
     * Writes the review tokens into the first rows of a sequence.
     *
     * @param backend computes the averages
     * @param sequence [of(grid).cells() + grid.cells(), d], with the tokens in the last grid.cells() rows
     * @param grid the arrangement of the tokens
     */
    public void fill(Backend backend, Tensor sequence, Grid grid) {
        long head = of(grid).cells();
        Tensor review = sequence.slice(0, head);
        Tensor tokens = sequence.slice(head, head + grid.cells());
        backend.averagePool(tokens, grid, pool, review);
    }
}
