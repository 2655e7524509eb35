package io.lingen.core.contract;

import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Windows;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A reference of attention: loops in double precision. */
final class ReferenceAttention {
    private ReferenceAttention() {}

    /** The columns of heads in a matrix: the values of the matrix, its number of columns, and the first column. */
    record HeadValues(double[] matrix, int columns, int column, int heads, int headDim) {
        double at(int token, int head, int i) {
            return matrix[token * columns + column + head * headDim + i];
        }

        int tokens() {
            return matrix.length / columns;
        }

        private HeadValues relu() {
            return of(Arrays.stream(matrix).map(x -> Math.max(x, 0)).toArray());
        }

        private HeadValues rotated(double[][] tables, int[] bands, Grid grid) {
            return of(ReferenceOperations.rotate(matrix, columns, column, heads, tables, bands, grid));
        }

        private HeadValues of(double[] other) {
            return new HeadValues(other, columns, column, heads, headDim);
        }
    }

    static double[] attention(HeadValues q, HeadValues k, HeadValues v, double @Nullable [] weights) {
        double[] out = new double[q.tokens() * q.heads * q.headDim];
        int[] keys = new int[k.tokens()];
        double[] added = new double[k.tokens()];
        int count = 0;
        for (int key = 0; key < k.tokens(); key++) {
            if (weights == null || weights[key] != 0) {
                added[count] = weights == null ? 0 : Math.log(weights[key]);
                keys[count++] = key;
            }
        }
        for (int query = 0; query < q.tokens(); query++) {
            for (int head = 0; head < q.heads; head++) {
                attend(q, k, v, head, query, Arrays.copyOf(keys, count), added, out);
            }
        }
        return out;
    }

    /**
     * Computes linear attention.
     *
     * @param tables rows of cos, sin, cos, sin, ... for t, h and w
     * @param bands the widths of the tables
     */
    static double[] linear(HeadValues q, HeadValues k, HeadValues v, double[][] tables, int[] bands, Grid grid) {
        int d = q.headDim;
        double[] out = new double[q.tokens() * q.heads * d];
        HeadValues queries = q.relu();
        HeadValues keys = k.relu();
        HeadValues rotatedQueries = queries.rotated(tables, bands, grid);
        HeadValues rotatedKeys = keys.rotated(tables, bands, grid);
        for (int head = 0; head < q.heads; head++) {
            double[][] state = new double[d][d];
            double[] total = new double[d];
            for (int token = 0; token < k.tokens(); token++) {
                for (int j = 0; j < d; j++) {
                    total[j] += keys.at(token, head, j);
                    for (int i = 0; i < d; i++) {
                        state[i][j] += v.at(token, head, i) * rotatedKeys.at(token, head, j);
                    }
                }
            }
            for (int token = 0; token < q.tokens(); token++) {
                double divisor = 1e-15;
                for (int j = 0; j < d; j++) {
                    divisor += total[j] * queries.at(token, head, j);
                }
                for (int i = 0; i < d; i++) {
                    double sum = 0;
                    for (int j = 0; j < d; j++) {
                        sum += state[i][j] * rotatedQueries.at(token, head, j);
                    }
                    out[(token * q.heads + head) * d + i] = sum / divisor;
                }
            }
        }
        return out;
    }

    static double[] windows(
            HeadValues q, HeadValues k, HeadValues v, Grid grid, Windows windows, double @Nullable [] bias) {
        double[] out = new double[q.tokens() * q.heads * q.headDim];
        for (int query = 0; query < q.tokens(); query++) {
            int[] keys = new int[q.tokens()];
            int count = 0;
            for (int key = 0; key < q.tokens(); key++) {
                if (sameWindow(grid, windows, query, key)) {
                    keys[count++] = key;
                }
            }
            keys = Arrays.copyOf(keys, count);
            for (int head = 0; head < q.heads; head++) {
                double[] added = new double[count];
                for (int i = 0; bias != null && i < count; i++) {
                    int offsets = bias.length / q.heads;
                    added[i] = bias[head * offsets + offset(grid, windows.size(), query, keys[i])];
                }
                attend(q, k, v, head, query, keys, added, out);
            }
        }
        return out;
    }

    private static void attend(
            HeadValues q, HeadValues k, HeadValues v, int head, int query, int[] keys, double[] added, double[] out) {
        double[] score = new double[keys.length];
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < keys.length; i++) {
            for (int d = 0; d < q.headDim; d++) {
                score[i] += q.at(query, head, d) * k.at(keys[i], head, d) / Math.sqrt(q.headDim);
            }
            score[i] += added[i];
            largest = Math.max(largest, score[i]);
        }
        double total = 0;
        for (int i = 0; i < keys.length; i++) {
            score[i] = Math.exp(score[i] - largest);
            total += score[i];
        }
        for (int d = 0; d < q.headDim; d++) {
            double sum = 0;
            for (int i = 0; i < keys.length; i++) {
                sum += score[i] / total * v.at(keys[i], head, d);
            }
            out[(query * q.heads + head) * q.headDim + d] = sum;
        }
    }

    private static int coordinate(Grid grid, int cell, int axis) {
        return (int) (cell / grid.stride(axis) % grid.length(axis));
    }

    /** Returns whether two tokens are in the same window, without {@link Windows#cuts}. Windows begin at s, s + w, s + 2w, ... */
    private static boolean sameWindow(Grid grid, Windows windows, int a, int b) {
        for (int axis = 0; axis < 3; axis++) {
            int w = windows.size().length(axis);
            if (grid.length(axis) > w) {
                int s = windows.shifted() ? w / 2 : 0;
                if (Math.floorDiv(coordinate(grid, a, axis) - s, w)
                        != Math.floorDiv(coordinate(grid, b, axis) - s, w)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static int offset(Grid grid, Dims3 size, int query, int key) {
        int index = 0;
        for (int axis = 0; axis < 3; axis++) {
            int w = size.length(axis);
            index = index * (2 * w - 1) + coordinate(grid, query, axis) - coordinate(grid, key, axis) + w - 1;
        }
        return index;
    }
}
