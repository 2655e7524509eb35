package io.lingen.core.op;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;

/**
 * The rotation of the heads of a grid's tokens by their positions: rotary position embedding (Su et al., "RoFormer", 2021, section 3.2),
 * applied to the three axes of a grid.
 *
 * <p>The columns of a head are divided into three bands, for t, h and w in this order. Token (t, h, w) uses row t of {@code tableT}, row h
 * of {@code tableH} and row w of {@code tableW}. A row of a table has the width of its band. It contains the cosine c and the sine s of
 * each angle: c<sub>0</sub>, s<sub>0</sub>, c<sub>1</sub>, s<sub>1</sub>, ... Columns 2i and 2i + 1 of the band are a pair (a, b), which
 * becomes (a c<sub>i</sub> - b s<sub>i</sub>, a s<sub>i</sub> + b c<sub>i</sub>).
 *
 * @param grid the grid of tokens
 * @param tableT [at least grid.t(), width of band t] in F32; the width is even, at least 2
 * @param tableH [at least grid.h(), width of band h] in F32; the width is even, at least 2
 * @param tableW [at least grid.w(), width of band w] in F32; the width is even, at least 2
 */
public record Rotation(Grid grid, Tensor tableT, Tensor tableH, Tensor tableW) {
    /**
     * Checks the tables.
     *
     * @throws IllegalArgumentException if a table has another shape or type
     */
    public Rotation {
        requireTable("t", tableT, grid.t());
        requireTable("h", tableH, grid.h());
        requireTable("w", tableW, grid.w());
    }

    private static void requireTable(String axis, Tensor table, int positions) {
        Shape shape = table.shape();
        boolean bands = shape.rank() == 2 && shape.last() >= 2 && shape.last() % 2 == 0;
        if (table.dtype() != DType.F32 || !bands || shape.length(0) < positions) {
            throw new IllegalArgumentException(
                    "table " + axis + " of a rotation must be F32 with an even width and at least " + positions
                            + " rows, found " + table.dtype() + shape);
        }
    }

    /** {@return the head dimension: the sum of the widths of the bands} */
    public int headDim() {
        return Math.toIntExact(
                tableT.shape().last() + tableH.shape().last() + tableW.shape().last());
    }
}
