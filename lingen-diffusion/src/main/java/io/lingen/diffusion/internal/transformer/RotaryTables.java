package io.lingen.diffusion.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Rotation;

/**
 * The rotary position embedding of a 3-D grid (Su et al., 2021, RoFormer): a head's columns are cut into a band for each of t, h and w, and
 * columns 2i and 2i + 1 of a band of width m are turned by the angle p 10000^(-2i / m), with p the position on the band's axis.
 */
public final class RotaryTables {
    private static final double BASE = 10000;

    private final Backend backend;
    private final int positions;
    private final HostTensor[] host = new HostTensor[3]; // [positions, m]: cos and sin, alternating
    private final Tensor[] tables = new Tensor[3];

    /**
     * Computes the tables.
     *
     * @param backend rotates
     * @param workspace the owner of the tables
     * @param headDim the width of a head, an even number from 6 on
     * @param positions the largest number of tokens on an axis
     */
    public RotaryTables(Backend backend, Workspace workspace, int headDim, int positions) {
        this.backend = backend;
        this.positions = positions;
        for (int axis = 0; axis < 3; axis++) {
            int width = bandWidth(headDim, axis);
            host[axis] = table(width, positions);
            tables[axis] = backend.upload(workspace, host[axis], DType.F32);
        }
    }

    /** {@return the columns of a head that are turned by positions on an axis} Rows and columns get a third each, rounded down to pairs. */
    static int bandWidth(int headDim, int axis) {
        int third = 2 * (headDim / 6);
        return axis == 0 ? headDim - 2 * third : third;
    }

    private static HostTensor table(int width, int positions) {
        float[] values = new float[positions * width];
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < width / 2; i++) {
                double angle = p * Math.pow(BASE, -2.0 * i / width);
                values[p * width + 2 * i] = (float) Math.cos(angle);
                values[p * width + 2 * i + 1] = (float) Math.sin(angle);
            }
        }
        return HostTensor.of(values, positions, width);
    }

    /** {@return the largest number of tokens on an axis} */
    int positions() {
        return positions;
    }

    /**
     * {@return the rotation of the tokens of a grid}
     *
     * @param grid the grid, with at most {@link #positions} tokens on an axis
     */
    Rotation of(Grid grid) {
        return new Rotation(grid, tables[0], tables[1], tables[2]);
    }

    /** Passes the cosines and sines of a grid's tokens to taps as "rope.cos" and "rope.sin", [N, head width] each. */
    void tap(Grid grid, Taps taps) {
        if (taps != Taps.NONE) {
            try (Workspace workspace = backend.newWorkspace()) {
                taps.accept("rope.cos", backend.upload(workspace, values(grid, 0), DType.F32));
                taps.accept("rope.sin", backend.upload(workspace, values(grid, 1), DType.F32));
            }
        }
    }

    /**
     * {@return the cosines or sines of a grid's tokens, each twice, as the columns of a head need them}
     *
     * @param function 0 for cosines, 1 for sines
     */
    private HostTensor values(Grid grid, int function) {
        int headDim = 0;
        for (HostTensor table : host) {
            headDim += (int) table.shape().last();
        }
        float[] values = new float[Math.toIntExact(grid.cells() * headDim)];
        int at = 0;
        for (int t = 0; t < grid.t(); t++) {
            for (int h = 0; h < grid.h(); h++) {
                for (int w = 0; w < grid.w(); w++) {
                    int[] position = {t, h, w};
                    for (int axis = 0; axis < 3; axis++) {
                        long width = host[axis].shape().last();
                        for (int column = 0; column < width; column++) {
                            values[at++] = host[axis].get(position[axis] * width + column / 2 * 2 + function);
                        }
                    }
                }
            }
        }
        return HostTensor.of(values, grid.cells(), headDim);
    }
}
