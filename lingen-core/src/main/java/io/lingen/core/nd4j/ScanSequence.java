package io.lingen.core.nd4j;

import io.lingen.core.op.ScanPath;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A scan's path as gathers of rows, and the causal convolution along it. */
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

    /** The rows of a matrix in the order of the walk: [steps, columns]. */
    INDArray sequence(INDArray matrix) {
        return Nd4j.pullRows(matrix, 1, rows);
    }

    /** A sequence [steps, columns] back in the order of the grid, without the warm-up: [grid cells, columns]. */
    INDArray onGrid(INDArray sequence) {
        return Nd4j.pullRows(sequence, 1, stepOfRow(path.prefixCells(), path.rows()));
    }

    /** A sequence back in the order of the matrix's rows, 0 where the walk never was: [rows, columns]. */
    INDArray onRows(INDArray sequence) {
        if (path.steps() == path.rows()) {
            return Nd4j.pullRows(sequence, 1, stepOfRow(0, path.rows()));
        }
        return Nd4j.concat(0, Nd4j.create(DataType.FLOAT, path.prefixCells(), sequence.size(1)), onGrid(sequence));
    }

    /**
     * SiLU(bias + sum over taps of weight[:, tap] * x moved by the tap), zeros in front.
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
            INDArray moved = Functions.rows(padded, tap, tap + x.size(0));
            sum.addi(moved.mul(Functions.columns(weight, tap, 1).reshape(1, x.size(1))));
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
