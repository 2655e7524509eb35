package io.lingen.core.nd4j;

import io.lingen.core.op.ScanPath;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The sequence of rows along a scan path: gather, scatter, and causal convolution. */
final class ScanSequence {
    private final ScanPath path;
    private final int[] rows;

    ScanSequence(ScanPath path) {
        this.path = path;
        rows = new int[Math.toIntExact(path.steps())];
        for (int step = 0; step < rows.length; step++) {
            rows[step] = (int) path.row(step);
        }
    }

    int steps() {
        return rows.length;
    }

    /** Returns the rows of a matrix in the order of the path: [steps, columns]. */
    INDArray gather(INDArray matrix) {
        return Nd4j.pullRows(matrix, 1, rows);
    }

    /** Returns a sequence [steps, columns] in the order of the grid, without warm-up steps: [grid cells, columns]. */
    INDArray scatterToGrid(INDArray sequence) {
        return Nd4j.pullRows(sequence, 1, stepOfRow(path.prefixCells(), path.rows()));
    }

    /** Returns a sequence in the order of the matrix, with 0 in rows that the path omits: [rows, columns]. */
    INDArray scatterToRows(INDArray sequence) {
        if (path.steps() == path.rows()) {
            return Nd4j.pullRows(sequence, 1, stepOfRow(0, path.rows()));
        }
        return Nd4j.concat(
                0, Nd4j.create(DataType.FLOAT, path.prefixCells(), sequence.size(1)), scatterToGrid(sequence));
    }

    /**
     * Computes SiLU(bias + sum over taps of weight[:, tap] * x[step + tap - taps + 1]), with zeros before the first step.
     *
     * @param x [steps, channels]
     * @param weight [channels, taps]
     * @param bias [1, channels]
     */
    static INDArray causalConvolution(INDArray x, INDArray weight, INDArray bias) {
        long taps = weight.size(1);
        INDArray padded = taps == 1 ? x : Nd4j.concat(0, Nd4j.create(DataType.FLOAT, taps - 1, x.size(1)), x);
        INDArray sum = Nd4j.create(DataType.FLOAT, x.shape()).add(bias);
        for (int tap = 0; tap < taps; tap++) {
            INDArray shifted = Functions.rows(padded, tap, tap + x.size(0));
            sum.addi(shifted.mul(Functions.columns(weight, tap, 1).reshape(1, x.size(1))));
        }
        return Functions.silu(sum);
    }

    private int[] stepOfRow(long from, long to) {
        int[] steps = new int[(int) (to - from)];
        for (int step = 0; step < rows.length; step++) {
            if (rows[step] >= from) {
                steps[(int) (rows[step] - from)] = step;
            }
        }
        return steps;
    }
}
