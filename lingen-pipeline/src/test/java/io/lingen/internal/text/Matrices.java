package io.lingen.internal.text;

import io.lingen.core.HostTensor;

/** Plain loops over matrices in double precision, for the formulas of text encoders. */
public final class Matrices {
    private static final double EPSILON = 1e-6;

    private Matrices() {}

    /** The tensor as rows; a vector is one row. */
    public static double[][] of(HostTensor tensor) {
        float[] values = tensor.toFloats();
        int columns = (int) tensor.shape().last();
        double[][] rows = new double[values.length / columns][columns];
        for (int i = 0; i < values.length; i++) {
            rows[i / columns][i % columns] = values[i];
        }
        return rows;
    }

    /** Copies of the rows of the given numbers. */
    public static double[][] rows(double[][] matrix, long[] numbers) {
        double[][] rows = new double[numbers.length][];
        for (int i = 0; i < numbers.length; i++) {
            rows[i] = matrix[(int) numbers[i]].clone();
        }
        return rows;
    }

    /** x w^T. */
    public static double[][] product(double[][] x, double[][] w) {
        double[][] out = new double[x.length][w.length];
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < w.length; j++) {
                for (int c = 0; c < w[j].length; c++) {
                    out[i][j] += x[i][c] * w[j][c];
                }
            }
        }
        return out;
    }

    /** x += y. */
    public static void add(double[][] x, double[][] y) {
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < x[i].length; j++) {
                x[i][j] += y[i][j];
            }
        }
    }

    /** The RMS norm of every row, times (addend + weight). */
    public static double[][] rmsNorm(double[][] x, double[][] weight, double addend) {
        double[][] out = new double[x.length][x[0].length];
        for (int i = 0; i < x.length; i++) {
            double squares = 0;
            for (double value : x[i]) {
                squares += value * value;
            }
            double scale = 1 / Math.sqrt(squares / x[i].length + EPSILON);
            for (int j = 0; j < x[i].length; j++) {
                out[i][j] = x[i][j] * scale * (addend + weight[0][j]);
            }
        }
        return out;
    }

    /** gelu(gate) * up, element by element. */
    public static double[][] gated(double[][] gate, double[][] up) {
        double[][] out = new double[gate.length][gate[0].length];
        for (int i = 0; i < gate.length; i++) {
            for (int j = 0; j < gate[i].length; j++) {
                double x = gate[i][j];
                double gelu = 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
                out[i][j] = gelu * up[i][j];
            }
        }
        return out;
    }

    /** The distance of a tensor from a matrix of the same shape, relative to the matrix (L2). */
    public static double relativeError(double[][] expected, HostTensor found) {
        double[][] rows = of(found);
        if (rows.length != expected.length || rows[0].length != expected[0].length) {
            throw new AssertionError("expected " + expected.length + " x " + expected[0].length + ", found " + found);
        }
        double error = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[i].length; j++) {
                double difference = rows[i][j] - expected[i][j];
                error += difference * difference;
                norm += expected[i][j] * expected[i][j];
            }
        }
        return Math.sqrt(error / norm);
    }
}
