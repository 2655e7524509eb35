package io.lingen.diffusion.internal.sampler;

import java.util.ArrayList;
import java.util.List;

/**
 * The samplers' formulas as they are published, for one number in double precision and without any code of the samplers. Arrays are indexed by
 * the step.
 */
final class ReferenceSamplers {
    /** The velocity at a number and a time. */
    interface Field {
        double velocity(double x, double t);
    }

    private ReferenceSamplers() {}

    private static double shift(double u, double s) {
        return s * u / (1 + (s - 1) * u);
    }

    /** {@return the number after each of n steps of UniPC of order p, shift s} */
    static double[] uniPc(int n, double s, int p, Field field, double x) {
        double[] sigma = new double[n + 1];
        double[] lambda = new double[n + 1];
        double[] t = new double[n];
        for (int i = 0; i < n; i++) {
            double level = shift(1 + i * (0.001 - 1) / n, s);
            if (Math.abs(level - 1) < 1e-6) {
                level -= 1e-6;
            }
            t[i] = Math.floor(1000 * level);
            sigma[i] = (float) level;
            lambda[i] = Math.log((1 - sigma[i]) / sigma[i]);
        }
        lambda[n] = Double.POSITIVE_INFINITY;
        double[] m = new double[n];
        double[] y = new double[n];
        double[] after = new double[n];
        int order = 0;
        for (int i = 0; i < n; i++) {
            m[i] = x - sigma[i] * field.velocity(x, t[i]);
            if (i > 0) {
                double h = lambda[i] - lambda[i - 1];
                double e = Math.exp(-h) - 1;
                double[] r = new double[order];
                double[] d = new double[order];
                for (int k = 1; k < order; k++) {
                    r[k - 1] = (lambda[i - 1 - k] - lambda[i - 1]) / h;
                    d[k - 1] = (m[i - 1 - k] - m[i - 1]) / r[k - 1];
                }
                r[order - 1] = 1;
                d[order - 1] = m[i] - m[i - 1];
                double[] rho = order == 1 ? new double[] {0.5} : solve(r, h);
                x = sigma[i] / sigma[i - 1] * y[i - 1] - (1 - sigma[i]) * e * (m[i - 1] + dot(rho, d));
            }
            y[i] = x;
            order = Math.min(p, Math.min(n - i, i + 1));
            double h = lambda[i + 1] - lambda[i];
            double e = Math.exp(-h) - 1;
            double[] r = new double[order - 1];
            double[] d = new double[order - 1];
            for (int k = 1; k < order; k++) {
                r[k - 1] = (lambda[i - k] - lambda[i]) / h;
                d[k - 1] = (m[i - k] - m[i]) / r[k - 1];
            }
            double[] rho = order == 1 ? new double[0] : order == 2 ? new double[] {0.5} : solve(r, h);
            x = sigma[i + 1] / sigma[i] * y[i] - (1 - sigma[i + 1]) * e * (m[i] + dot(rho, d));
            after[i] = x;
        }
        return after;
    }

    /** {@return the number after each of n steps of DPM-Solver++(2M), shift s} */
    static double[] dpmSolver(int n, double s, Field field, double x) {
        double[] sigma = new double[n + 1];
        double[] lambda = new double[n + 1];
        double[] t = new double[n];
        for (int i = 0; i < n; i++) {
            double level = shift(0.999 * (n - i) / n, s);
            t[i] = Math.floor(1000 * level);
            sigma[i] = (float) level;
            lambda[i] = Math.log((1 - sigma[i]) / sigma[i]);
        }
        lambda[n] = Double.POSITIVE_INFINITY;
        double[] m = new double[n];
        double[] after = new double[n];
        for (int i = 0; i < n; i++) {
            m[i] = x - sigma[i] * field.velocity(x, t[i]);
            double h = lambda[i + 1] - lambda[i];
            double e = Math.exp(-h) - 1;
            double second = 0;
            if (i > 0 && i < n - 1) {
                double r = (lambda[i] - lambda[i - 1]) / h;
                second = 0.5 * (m[i] - m[i - 1]) / r;
            }
            x = sigma[i + 1] / sigma[i] * x - (1 - sigma[i + 1]) * e * (m[i] + second);
            after[i] = x;
        }
        return after;
    }

    /** {@return the number after each of n steps of the flow-matching Euler method, shift s} */
    static double[] flowEuler(int n, double s, Field field, double x) {
        double high = shift(1, s);
        double low = shift(0.001, s);
        double[] sigma = new double[n + 1];
        for (int i = 0; i < n; i++) {
            sigma[i] = shift(n == 1 ? high : high + i * (low - high) / (n - 1), s);
        }
        double[] after = new double[n];
        for (int i = 0; i < n; i++) {
            x += (sigma[i + 1] - sigma[i]) * field.velocity(x, 1000 * sigma[i]);
            after[i] = x;
        }
        return after;
    }

    /** {@return the number after each step of a distilled model: noise(i) follows step i} */
    static double[] dmd(double[] times, double[] noise, Field field, double x) {
        List<Double> after = new ArrayList<>();
        for (int i = 0; i < times.length; i++) {
            double clean = x - times[i] / 1000 * field.velocity(x, times[i]);
            double next = i + 1 < times.length ? times[i + 1] / 1000 : 0;
            x = (1 - next) * clean + next * noise[i];
            after.add(x);
        }
        return after.stream().mapToDouble(value -> value).toArray();
    }

    /** Solves sum_k rho_k r_k^(j-1) = c_j by elimination. */
    private static double[] solve(double[] r, double h) {
        int q = r.length;
        double[][] a = new double[q][q + 1];
        double z = -h;
        double e = Math.exp(z) - 1;
        double g = e / z - 1;
        double factorial = 1;
        for (int j = 1; j <= q; j++) {
            for (int k = 0; k < q; k++) {
                a[j - 1][k] = Math.pow(r[k], j - 1);
            }
            factorial *= j;
            a[j - 1][q] = factorial * g / e;
            g = g / z - 1 / (factorial * (j + 1));
        }
        for (int column = 0; column < q; column++) {
            for (int row = 0; row < q; row++) {
                if (row != column) {
                    double factor = a[row][column] / a[column][column];
                    for (int k = column; k <= q; k++) {
                        a[row][k] -= factor * a[column][k];
                    }
                }
            }
        }
        double[] rho = new double[q];
        for (int k = 0; k < q; k++) {
            rho[k] = a[k][q] / a[k][k];
        }
        return rho;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int k = 0; k < a.length; k++) {
            sum += a[k] * b[k];
        }
        return sum;
    }
}
