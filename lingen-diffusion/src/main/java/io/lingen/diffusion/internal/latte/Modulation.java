package io.lingen.diffusion.internal.latte;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;

/** The shifts, scales and gates of a layer at a time. Computed in F32 at every precision. */
@FunctionalInterface
interface Modulation {
    /**
     * {@return the vectors, one per row, in F32}
     *
     * @param workspace the owner of the result
     * @param time the vectors of {@link TimestepEmbedding} that the layer reads
     */
    Tensor rows(Workspace workspace, Tensor time);

    /**
     * {@return a projection of the time and class of its own for every layer: adaLN-zero (Peebles and Xie, 2023)}
     *
     * @param projection d -> k d
     */
    static Modulation projected(Linear projection) {
        long d = projection.inFeatures();
        return (workspace, time) -> projection
                .apply(workspace, time, DType.F32)
                .reshape(Shape.of(projection.outFeatures() / d, d)); // [k, d]
    }

    /**
     * {@return the sum of a table and vectors that all layers share: adaLN-single (Chen et al., 2023, PixArt-alpha)}
     *
     * @param table [k, d]
     */
    static Modulation table(Backend backend, Tensor table) {
        return (workspace, time) -> {
            Tensor sum = workspace.allocate(DType.F32, table.shape());
            backend.add(table, time, sum);
            return sum; // [k, d]
        };
    }

    /** {@return a row [d] of the vectors} */
    static Tensor row(Tensor rows, int index) {
        return rows.slice(index, index + 1L).reshape(Shape.of(rows.shape().last()));
    }
}
