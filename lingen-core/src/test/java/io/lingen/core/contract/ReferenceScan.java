package io.lingen.core.contract;

import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;

/** A reference of the selective scans of Mamba1 and Mamba2: recurrences in double precision. */
final class ReferenceScan {
    private ReferenceScan() {}

    /** The first columns of x, B, C and dt in a projection [rows, columns]. */
    record Columns(int count, int x, int b, int c, int dt) {}

    /** The parameters of one direction, as in {@link io.lingen.core.op.ScanWeights}. */
    record Parameters(double[] convWeight, double[] convBias, double[] dtBias, double[] aLog, double[] d) {}

    /** Adds the output of a direction of Mamba2 to y [grid cells, di]. */
    static void selective(
            double[] projection, Columns columns, ScanPath path, ScanSpec spec, Parameters weights, double[] y) {
        int di = spec.innerWidth();
        int gn = spec.groupWidth();
        int n = spec.stateSize();
        double[] bands = gather(projection, columns, di, gn, path);
        double[] convolved = causal(
                bands, spec.channels(), weights.convWeight, weights.convBias, spec.convWidth(), (int) path.steps());
        double[] state = new double[di * n];
        for (int step = 0; step < path.steps(); step++) {
            long row = path.row(step);
            int at = step * spec.channels();
            for (int channel = 0; channel < di; channel++) {
                int head = channel / spec.headDim();
                int group = head / (spec.heads() / spec.groups());
                double dt = softplus(projection[(int) row * columns.count + columns.dt + head] + weights.dtBias[head]);
                double decay = Math.exp(-dt * Math.exp(weights.aLog[head]));
                double x = convolved[at + channel];
                double sum = weights.d[head] * x;
                for (int i = 0; i < n; i++) {
                    double b = convolved[at + di + group * n + i];
                    double c = convolved[at + di + gn + group * n + i];
                    double h = decay * state[channel * n + i] + dt * x * b;
                    state[channel * n + i] = h;
                    sum += h * c;
                }
                if (step >= path.warmUpSteps()) {
                    y[(int) (row - path.prefixCells()) * di + channel] += sum;
                }
            }
        }
    }

    /** Computes the causal depthwise convolution of a sequence [steps, channels], followed by SiLU. */
    static double[] causal(double[] x, int channels, double[] weight, double[] bias, int taps, int steps) {
        double[] out = new double[x.length];
        for (int step = 0; step < steps; step++) {
            for (int channel = 0; channel < channels; channel++) {
                double sum = bias[channel];
                for (int tap = 0; tap < taps; tap++) {
                    int from = step - (taps - 1) + tap;
                    if (from >= 0) {
                        sum += weight[channel * taps + tap] * x[from * channels + channel];
                    }
                }
                out[step * channels + channel] = silu(sum);
            }
        }
        return out;
    }

    /** Adds the output of a direction of Mamba1 to y [grid cells, di]. The n columns of B begin at column b of bc, those of C at c. */
    static void diagonal(
            double[] x,
            double[] dt,
            double[] bc,
            int bcColumns,
            int b,
            int c,
            ScanPath path,
            double[] dtBias,
            double[] aLog,
            double[] d,
            double[] y) {
        int di = d.length;
        int n = aLog.length / di;
        double[] state = new double[di * n];
        for (int step = 0; step < path.steps(); step++) {
            int row = (int) path.row(step);
            for (int channel = 0; channel < di; channel++) {
                double delta = softplus(dt[row * di + channel] + dtBias[channel]);
                double sum = d[channel] * x[row * di + channel];
                for (int i = 0; i < n; i++) {
                    int at = channel * n + i;
                    state[at] = Math.exp(-delta * Math.exp(aLog[at])) * state[at]
                            + delta * bc[row * bcColumns + b + i] * x[row * di + channel];
                    sum += bc[row * bcColumns + c + i] * state[at];
                }
                if (step >= path.warmUpSteps()) {
                    y[(row - (int) path.prefixCells()) * di + channel] += sum;
                }
            }
        }
    }

    static double silu(double x) {
        return x / (1 + Math.exp(-x));
    }

    static double softplus(double x) {
        return x > 40 ? x : Math.log1p(Math.exp(x));
    }

    /** Returns x, B and C of every step in the order of the path, [steps, di + 2Gn]. */
    private static double[] gather(double[] projection, Columns columns, int di, int gn, ScanPath path) {
        int channels = di + 2 * gn;
        double[] bands = new double[(int) path.steps() * channels];
        for (int step = 0; step < path.steps(); step++) {
            int from = (int) path.row(step) * columns.count;
            System.arraycopy(projection, from + columns.x, bands, step * channels, di);
            System.arraycopy(projection, from + columns.b, bands, step * channels + di, gn);
            System.arraycopy(projection, from + columns.c, bands, step * channels + di + gn, gn);
        }
        return bands;
    }
}
