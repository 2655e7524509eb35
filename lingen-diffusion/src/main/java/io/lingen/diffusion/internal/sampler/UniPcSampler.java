package io.lingen.diffusion.internal.sampler;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Sampling;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * UniPC (Zhao et al., 2023, "UniPC: A unified predictor-corrector framework for fast sampling of diffusion models") of any order, with data
 * prediction and B(h) = e^h - 1, which its authors call "bh2".
 *
 * <p>Both halves of a step lead a latent y from sigma to sigma': x = D + sigma'/sigma (y - D). D = m + sum of rho_k (m_k - m) / r_k estimates
 * the clean latent in between, from the prediction m at sigma and others m_k at r_k = (lambda_k - lambda) / h, h = lambda' - lambda.
 * The predictor knows the predictions of earlier steps. The corrector of the next step adds the one that was evaluated at the predictor's
 * result, and repeats the step with it.
 */
public final class UniPcSampler extends FlowSampler {
    private final int order;

    /**
     * Creates a sampler.
     *
     * @param backend the backend of the latents
     * @param sigmas usually {@link FlowSigmas#uniPc}
     * @param order at least 1; the first steps and the last ones have lower orders
     * @throws IllegalArgumentException if the order is less than 1
     */
    public UniPcSampler(Backend backend, FlowSigmas sigmas, int order) {
        super(backend, sigmas);
        if (order < 1) {
            throw new IllegalArgumentException("order of UniPC must be at least 1, found " + order);
        }
        this.order = order;
    }

    @Override
    public Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
        return new Multistep(function, latent, stepsDone, state);
    }

    /** {@return the order of a step's predictor and of the corrector that repeats it} */
    private int order(int step) {
        return Math.min(order, Math.min(steps() - step, step + 1));
    }

    private final class Multistep extends DataPredictionSampling {
        private final List<Tensor> clean = new ArrayList<>(); // m of this step, of the one before, ...
        private final Tensor start; // y, the corrected latent that the last step started from
        private final Tensor mean; // D

        Multistep(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
            super(backend, sigmas, function, latent, stepsDone);
            for (int i = 0; i <= order; i++) {
                clean.add(allocateLatent());
            }
            this.start = allocateLatent();
            this.mean = allocateLatent();
            restore(state);
        }

        @Override
        protected double step(int i) {
            Collections.rotate(clean, 1);
            predictClean(i, clean.get(0));
            if (i > 0) {
                correct(i);
            }
            backend.copy(latent(), start);
            predict(i);
            return sigmas.sigma(i + 1);
        }

        /** Repeats step i - 1 with the prediction of step i. */
        private void correct(int i) {
            int[] others = IntStream.rangeClosed(0, order(i - 1))
                    .filter(age -> age != 1)
                    .toArray();
            advance(i, 1, others);
        }

        /** Takes step i. */
        private void predict(int i) {
            advance(i, 0, IntStream.range(1, order(i)).toArray());
        }

        /**
         * Writes the latent that follows {@code start}. A prediction is named by its age: m of step i is 0, that of step i - 1 is 1.
         *
         * @param i the latest step with a prediction
         * @param base the age of m
         * @param others the ages of m_k
         */
        private void advance(int i, int base, int[] others) {
            int from = i - base;
            double lambda = sigmas.lambda(from);
            double h = sigmas.lambda(from + 1) - lambda;
            double[] r = IntStream.of(others)
                    .mapToDouble(age -> (sigmas.lambda(i - age) - lambda) / h)
                    .toArray();
            double[] rho = coefficients(h, r);
            // D = m + sum of rho_k (m_k - m) / r_k
            backend.copy(clean.get(base), mean);
            double sum = 0;
            for (int k = 0; k < r.length; k++) {
                backend.addScaled((float) (rho[k] / r[k]), clean.get(others[k]), mean);
                sum += rho[k] / r[k];
            }
            backend.addScaled((float) -sum, clean.get(base), mean);
            // x = D + sigma'/sigma (y - D)
            backend.interpolate(mean, start, (float) (sigmas.sigma(from + 1) / sigmas.sigma(from)), latent());
        }

        @Override
        protected Map<String, Tensor> stateTensors() {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("start", start);
            for (int age = 0; age < order(stepsDone() - 1); age++) {
                tensors.put("clean." + age, clean.get(age));
            }
            return tensors;
        }
    }

    /**
     * Solves sum over k of rho_k r_k^(j-1) = c_j for j = 1..q (Zhao et al., 2023, theorem 3.1). With E = e^-h - 1 = B(h) for data prediction,
     * c_j = j! g_j / E, g_1 = E/z - 1, g_(j+1) = g_j/z - 1/(j+1)! and z = -h. For q = 1 the authors take 1/2.
     *
     * @param h the length of the step in lambda; infinite only without r
     * @param r q distinct numbers
     * @return rho
     */
    static double[] coefficients(double h, double[] r) {
        int q = r.length;
        if (q <= 1) {
            return q == 0 ? new double[0] : new double[] {0.5};
        }
        double[] c = new double[q];
        double z = -h;
        double e = Math.expm1(z);
        double g = e / z - 1;
        double factorial = 1;
        for (int j = 0; j < q; j++) {
            c[j] = factorial * g / e;
            factorial *= j + 2;
            g = g / z - 1 / factorial;
        }
        double[] rho = new double[q];
        for (int k = 0; k < q; k++) {
            double[] basis = lagrangeBasis(r, k);
            for (int j = 0; j < q; j++) {
                rho[k] += basis[j] * c[j];
            }
        }
        return rho;
    }

    /** {@return the coefficients, from x^0 on, of the polynomial that is 1 at r_k and 0 at the others: row k of the inverse matrix} */
    private static double[] lagrangeBasis(double[] r, int k) {
        double[] basis = new double[r.length];
        basis[0] = 1;
        int degree = 0;
        for (int l = 0; l < r.length; l++) {
            if (l != k) { // times (x - r_l) / (r_k - r_l)
                degree++;
                for (int j = degree; j >= 0; j--) {
                    basis[j] = ((j > 0 ? basis[j - 1] : 0) - r[l] * basis[j]) / (r[k] - r[l]);
                }
            }
        }
        return basis;
    }
}
