package io.lingen.mate;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;

/**
 * Review tokens: an average-pooled copy of the tokens that stands in front of the scan, so that the state has seen the whole clip before
 * the first token (specification, section 3). No parameters.
 *
 * @param pool kernel and stride; ragged edges are averaged over the tokens that exist
 */
public record ReviewTokens(Grid pool) {
    /** The arrangement of the review tokens of a grid. */
    public Grid of(Grid grid) {
        return grid.dividedBy(pool);
    }

    /**
     * Fills the head of a sequence with the pooled tail.
     *
     * @param sequence [of(grid).cells() + grid.cells(), d], the tokens in the last grid.cells() rows
     */
    public void fill(Backend backend, Tensor sequence, Grid grid) {
        long head = of(grid).cells();
        Tensor review = sequence.slice(0, head);
        Tensor tokens = sequence.slice(head, head + grid.cells());
        backend.averagePool(tokens, grid, pool, review);
    }
}
