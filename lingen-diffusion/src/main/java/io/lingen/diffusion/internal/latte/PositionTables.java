package io.lingen.diffusion.internal.latte;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;

/**
 * Sinusoidal positions. The position in space is added to the patches: its first d/2 channels depend on the column, the others on the row.
 * The position in time is added once to the residual stream. Immutable; belongs to a workspace.
 */
final class PositionTables {
    private static final double MAX_PERIOD = 10000;

    private final Backend backend;
    private final Tensor frames; // [frames, d]
    private final Tensor rows; // [rows, d], 0 in the first d/2 channels
    private final Tensor columns; // [columns, d], 0 in the last d/2 channels
    private final Tensor zeros; // [the longest axis, d]
    private final boolean inTime;

    private PositionTables(
            Backend backend, Workspace workspace, float[][] frames, float[][] rows, float[][] columns, boolean inTime) {
        this.backend = backend;
        this.inTime = inTime;
        this.frames = upload(workspace, frames);
        this.rows = upload(workspace, rows);
        this.columns = upload(workspace, columns);
        int longest = Math.max(frames.length, Math.max(rows.length, columns.length));
        this.zeros = upload(workspace, new float[longest][frames[0].length]);
    }

    /**
     * {@return the tables of a grid}
     *
     * @param workspace the owner of the tables
     * @param grid the largest grid that they are added to
     * @param rowStep the distance of two rows
     * @param columnStep the distance of two columns
     * @param d the width of the tokens, a multiple of 4
     * @param inTime whether there is a position in time
     */
    static PositionTables of(
            Backend backend, Workspace workspace, Grid grid, double rowStep, double columnStep, int d, boolean inTime) {
        float[][] frames = new float[grid.t()][];
        float[][] rows = new float[grid.h()][];
        float[][] columns = new float[grid.w()][];
        for (int t = 0; t < grid.t(); t++) {
            frames[t] = sinusoid(t, d);
        }
        for (int h = 0; h < grid.h(); h++) {
            rows[h] = new float[d];
            System.arraycopy(sinusoid(h * rowStep, d / 2), 0, rows[h], d / 2, d / 2);
        }
        for (int w = 0; w < grid.w(); w++) {
            columns[w] = new float[d];
            System.arraycopy(sinusoid(w * columnStep, d / 2), 0, columns[w], 0, d / 2);
        }
        return new PositionTables(backend, workspace, frames, rows, columns, inTime);
    }

    /**
     * {@return the sines, followed by the cosines, of x f_i with f_i = 10000^(-i / (n / 2))}
     *
     * @param x the position
     * @param n an even number
     */
    static float[] sinusoid(double x, int n) {
        int half = n / 2;
        float[] wave = new float[n];
        for (int i = 0; i < half; i++) {
            double angle = x * Math.pow(MAX_PERIOD, -(double) i / half);
            wave[i] = (float) Math.sin(angle);
            wave[half + i] = (float) Math.cos(angle);
        }
        return wave;
    }

    private Tensor upload(Workspace workspace, float[][] table) {
        int d = table[0].length;
        float[] values = new float[table.length * d];
        for (int i = 0; i < table.length; i++) {
            System.arraycopy(table[i], 0, values, i * d, d);
        }
        return backend.upload(workspace, HostTensor.of(values, table.length, d), DType.F32);
    }

    /** Adds the position in space to x [N, d], in place. */
    void addSpace(Tensor x, Grid grid) {
        backend.addPosition(x, zeros, rows, columns, grid, x);
    }

    /** Adds the position in time, if there is one, to x [N, d], in place. */
    void addTime(Tensor x, Grid grid) {
        if (inTime) {
            backend.addPosition(x, frames, zeros, zeros, grid, x);
        }
    }
}
