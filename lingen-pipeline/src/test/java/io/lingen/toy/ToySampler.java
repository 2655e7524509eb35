package io.lingen.toy;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import java.util.Map;

/**
 * A multistep method of second order on the circle x = cos(a) x0 + sin(a) e, from nearly a right angle to 0: it leads the clean latent of this
 * step on by that of the step before, which is its state.
 */
final class ToySampler implements Sampler {
    private static final double START = 0.98 * Math.PI / 2;

    private final Backend backend;
    private final double[] levels;
    private final boolean isMultistep;

    ToySampler(Backend backend, double[] levels, boolean isMultistep) {
        this.backend = backend;
        this.levels = levels;
        this.isMultistep = isMultistep;
    }

    @Override
    public int steps() {
        return levels.length - 1;
    }

    @Override
    public void start(long seed, Tensor latent) {
        backend.normal(seed, latent);
    }

    @Override
    public Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
        return new Circle(function, latent, stepsDone, state);
    }

    private double angle(int step) {
        return START * levels[step];
    }

    private final class Circle extends Sampling {
        private final DenoisingFunction function;
        private final Tensor clean; // x0 of this step
        private final Tensor previous; // x0 of the step before
        private boolean hasPrevious;
        private boolean isClean;

        Circle(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
            super(backend, latent, ToySampler.this.steps(), stepsDone);
            this.function = function;
            this.clean = allocateLatent();
            this.previous = allocateLatent();
            this.hasPrevious = stepsDone > 0;
            restore(state);
        }

        @Override
        protected double step(int index) {
            double a = angle(index);
            double next = angle(index + 1);
            try (Workspace workspace = backend.newWorkspace()) {
                Tensor predicted =
                        workspace.allocate(latent().dtype(), Prediction.NOISE_AND_VARIANCE.outputOf(latent().shape()));
                function.predict(latent(), Math.floor(1000 * a / START), predicted);
                Tensor noise = predicted.slice(0, latent().shape().length(0));
                // x0 = (x - sin(a) e) / cos(a)
                Tensor scaled = workspace.allocate(latent().dtype(), latent().shape());
                backend.copy(latent(), scaled);
                backend.addScaled((float) -Math.sin(a), noise, scaled);
                backend.copy(scaled, clean);
                backend.addScaled((float) (1 / Math.cos(a) - 1), scaled, clean);
                // x' = cos(a') D + sin(a') e, D = x0 + (x0 - previous) / 2
                backend.copy(clean, scaled);
                if (isMultistep && hasPrevious) {
                    backend.interpolate(previous, clean, 1.5f, scaled);
                }
                backend.copy(scaled, latent());
                backend.addScaled((float) (Math.cos(next) - 1), scaled, latent());
                backend.addScaled((float) Math.sin(next), noise, latent());
            }
            backend.copy(clean, previous);
            hasPrevious = true;
            isClean = true;
            return next;
        }

        @Override
        protected Map<String, Tensor> stateTensors() {
            return isMultistep ? Map.of("previous", previous) : Map.of();
        }

        @Override
        public void estimate(Tensor out) {
            backend.copy(isClean ? clean : latent(), out);
        }
    }
}
