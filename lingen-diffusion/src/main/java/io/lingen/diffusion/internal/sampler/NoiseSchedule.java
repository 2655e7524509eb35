package io.lingen.diffusion.internal.sampler;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Prediction;

/**
 * The noise levels of a variance-preserving diffusion (Ho et al., 2020): x<sub>i</sub> = sqrt(a<sub>i</sub>) x<sub>0</sub> + sqrt(1 -
 * a<sub>i</sub>) e, where a<sub>i</sub> is the cumulative product of 1 - beta. Immutable, thread-safe.
 *
 * <p>With A = sqrt(a) + sqrt(1 - a), the point y = x / A lies on a rectified flow at t = sqrt(a) / A: y = t x<sub>0</sub> + (1 - t) e. Its
 * velocity is x<sub>0</sub> - e = (y - e) / t. Euler's method on these times is therefore DDIM (Song et al., 2021), exactly.
 */
public final class NoiseSchedule {
    private final double[] signal; // a_i

    private NoiseSchedule(double[] signal) {
        this.signal = signal;
    }

    /**
     * {@return a schedule whose betas grow linearly}
     *
     * @param timesteps the number of timesteps of the training, at least 2
     * @param first the first beta, above 0
     * @param last the last beta, below 1 and at least the first
     * @throws IllegalArgumentException if an argument is out of range
     */
    public static NoiseSchedule linear(int timesteps, double first, double last) {
        if (timesteps < 2 || !(first > 0 && first <= last && last < 1)) {
            throw new IllegalArgumentException(
                    "schedule must have at least 2 timesteps and betas that grow between 0 and 1," + " found "
                            + timesteps + " timesteps and betas from " + first + " to " + last);
        }
        double[] signal = new double[timesteps];
        double product = 1;
        for (int i = 0; i < timesteps; i++) {
            product *= 1 - (first + (last - first) * i / (timesteps - 1));
            signal[i] = product;
        }
        return new NoiseSchedule(signal);
    }

    /** {@return the number of timesteps of the training} */
    public int timesteps() {
        return signal.length;
    }

    /**
     * {@return a, the squared share of the clean latent}
     *
     * @param timestep from 0, nearly clean, to {@link #timesteps} - 1, nearly noise
     */
    public double signal(int timestep) {
        return signal[timestep];
    }

    /**
     * {@return the time t of the rectified flow, from 0 = noise to 1 = data}
     *
     * @param timestep from 0
     */
    public double time(int timestep) {
        return Math.sqrt(signal[timestep]) / amplitude(timestep);
    }

    /**
     * {@return A, the factor from the rectified flow's latent to the diffusion's}
     *
     * @param timestep from 0
     */
    public double amplitude(int timestep) {
        return Math.sqrt(signal[timestep]) + Math.sqrt(1 - signal[timestep]);
    }

    /**
     * {@return the timestep whose time is nearest}
     *
     * @param time t of the rectified flow
     */
    public int nearest(double time) {
        int nearest = 0;
        for (int i = 1; i < signal.length; i++) {
            if (Math.abs(time(i) - time) < Math.abs(time(nearest) - time)) {
                nearest = i;
            }
        }
        return nearest;
    }

    /**
     * {@return n timesteps from the last to 0, as the scripts of Latte's authors choose them} They are rounded values, halves to even, of a
     * sum of n - 1 equal strides in double precision.
     *
     * @param n the number of timesteps, 1 to {@link #timesteps}
     * @throws IllegalArgumentException if n is out of range
     */
    public int[] evenTimesteps(int n) {
        requireSteps(n);
        double stride = n == 1 ? 1 : (signal.length - 1) / (double) (n - 1);
        int[] descending = new int[n];
        double sum = 0;
        for (int i = n - 1; i >= 0; i--) {
            descending[i] = (int) Math.rint(sum);
            sum += stride;
        }
        return descending;
    }

    /**
     * {@return n timesteps with the stride {@code timesteps() / n}, rounded down, as diffusers' "leading" spacing} The last is the offset.
     *
     * @param n the number of timesteps, 1 to {@link #timesteps}
     * @param offset added to each
     * @throws IllegalArgumentException if n is out of range, or the first timestep exceeds the schedule
     */
    public int[] leadingTimesteps(int n, int offset) {
        requireSteps(n);
        int stride = signal.length / n;
        if (offset < 0 || (n - 1) * stride + offset >= signal.length) {
            throw new IllegalArgumentException("offset of " + n + " timesteps must be 0 to "
                    + (signal.length - 1 - (n - 1) * stride) + ", found " + offset);
        }
        int[] descending = new int[n];
        for (int i = 0; i < n; i++) {
            descending[i] = (n - 1 - i) * stride + offset;
        }
        return descending;
    }

    private void requireSteps(int n) {
        if (n < 1 || n > signal.length) {
            throw new IllegalArgumentException("steps must be 1 to " + signal.length + ", found " + n);
        }
    }

    /**
     * Requires timesteps of this schedule in descending order.
     *
     * @param timesteps the timesteps
     * @throws IllegalArgumentException if there is none, one is out of range, or they do not descend
     */
    void requireDescending(int[] timesteps) {
        for (int i = 0; i < timesteps.length; i++) {
            int limit = i == 0 ? signal.length : timesteps[i - 1];
            if (timesteps[i] < 0 || timesteps[i] >= limit) {
                throw new IllegalArgumentException("timesteps must descend from at most " + (signal.length - 1)
                        + " to at least 0, found " + timesteps[i] + (i == 0 ? " first" : " after " + limit));
            }
        }
        if (timesteps.length == 0) {
            throw new IllegalArgumentException("timesteps must be at least one, found none");
        }
    }

    /**
     * {@return the velocity of the rectified flow, as a function of its latent y and time t, from a prediction of the noise} It is (y - e) / t,
     * where e is the prediction at the latent A y and the timestep of t.
     *
     * @param backend the backend of the latents
     * @param prediction {@link Prediction#NOISE} or {@link Prediction#NOISE_AND_VARIANCE}, of which the variance is not used
     * @param noise the prediction
     */
    public DenoisingFunction velocity(Backend backend, Prediction prediction, DenoisingFunction noise) {
        return (y, t, out) -> {
            int timestep = nearest(t);
            try (Workspace workspace = backend.newWorkspace()) {
                Tensor predicted = workspace.allocate(DType.F32, prediction.outputOf(y.shape()));
                Tensor x = workspace.allocate(DType.F32, y.shape());
                backend.copy(y, x);
                backend.addScaled((float) (amplitude(timestep) - 1), y, x); // x = A y
                noise.predict(x, timestep, predicted);
                Tensor e = predicted.slice(0, y.shape().length(0));
                backend.copy(y, x);
                backend.addScaled(-1, e, x); // y - e
                backend.copy(x, out);
                backend.addScaled((float) (1 / time(timestep) - 1), x, out); // (y - e) / t
            }
        };
    }
}
