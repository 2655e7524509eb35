package io.lingen.internal.sampling;

import io.lingen.core.backend.Backend;
import io.lingen.core.internal.SafeText;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.internal.sampler.DmdSampler;
import io.lingen.diffusion.internal.sampler.DpmSolverSampler;
import io.lingen.diffusion.internal.sampler.FlowEulerSampler;
import io.lingen.diffusion.internal.sampler.FlowSigmas;
import io.lingen.diffusion.internal.sampler.UniPcSampler;
import io.lingen.spi.SamplingSettings;
import java.util.List;

/**
 * The samplers of denoisers that predict {@link io.lingen.diffusion.Prediction#VELOCITY_TO_NOISE}. They have a shift and neither schedules nor
 * eta. Those of first order also take times.
 */
public final class FlowSamplers {
    /** {@link UniPcSampler}. */
    public static final String UNIPC = "unipc";

    /** {@link DpmSolverSampler}. */
    public static final String DPM_SOLVER = "dpm++";

    /** {@link FlowEulerSampler}. */
    public static final String FLOW_EULER = "flow_euler";

    /** {@link DmdSampler}, for models distilled to few steps. */
    public static final String DMD = "dmd";

    private FlowSamplers() {}

    /**
     * Checks settings.
     *
     * @param settings the complete settings of one of these samplers
     * @throws IllegalArgumentException if the sampler does not support them
     */
    public static void require(SamplingSettings settings) {
        String sampler = settings.sampler();
        if (settings.schedule() != null) {
            throw new IllegalArgumentException(
                    "sampler " + sampler + " must have a shift in place of a schedule, found '"
                            + SafeText.of(settings.schedule()) + "'; omit the schedule");
        }
        if (settings.eta() != 0) {
            throw new IllegalArgumentException(
                    "eta must be 0 for the sampler " + sampler + ", found " + settings.eta() + "; omit it");
        }
        sigmas(settings);
    }

    /**
     * {@return a sampler}
     *
     * @param backend the backend of the latents
     * @param settings accepted by {@link #require}
     * @param order the order of {@link #UNIPC}, at least 1; the other samplers have a fixed one
     * @param seed the seed of noise that {@link #DMD} adds in its steps
     */
    public static Sampler create(Backend backend, SamplingSettings settings, int order, long seed) {
        FlowSigmas sigmas = sigmas(settings);
        return switch (settings.sampler()) {
            case UNIPC -> new UniPcSampler(backend, sigmas, order);
            case DPM_SOLVER -> new DpmSolverSampler(backend, sigmas);
            case FLOW_EULER -> new FlowEulerSampler(backend, sigmas);
            case DMD -> new DmdSampler(backend, sigmas, seed);
            default -> throw unknown(settings.sampler());
        };
    }

    /**
     * {@return the noise levels of a sampler}
     *
     * @param settings the complete settings of one of these samplers
     * @throws IllegalArgumentException if the sampler does not support the shift or the times
     */
    public static FlowSigmas sigmas(SamplingSettings settings) {
        String sampler = settings.sampler();
        List<Double> times = settings.times();
        int steps = settings.steps();
        if (!times.isEmpty()) {
            if (!sampler.equals(FLOW_EULER) && !sampler.equals(DMD)) {
                throw new IllegalArgumentException("sampler must be " + FLOW_EULER + " or " + DMD
                        + " for given times, found " + sampler + "; use one of them, or omit the times");
            }
            return FlowSigmas.ofTimes(times.stream().mapToDouble(time -> time).toArray());
        }
        Double shift = settings.shift();
        if (shift == null) {
            throw new IllegalArgumentException("sampler " + sampler + " must have a shift or the times of its " + steps
                    + " steps, found neither; give one of them");
        }
        return switch (sampler) {
            case UNIPC -> FlowSigmas.uniPc(steps, shift);
            case DPM_SOLVER -> FlowSigmas.dpmSolver(steps, shift);
            case FLOW_EULER -> FlowSigmas.flowEuler(steps, shift);
            case DMD -> FlowSigmas.distilled(steps, shift);
            default -> throw unknown(sampler);
        };
    }

    private static IllegalArgumentException unknown(String sampler) {
        return new IllegalArgumentException("sampler must be one of "
                + String.join(", ", UNIPC, DPM_SOLVER, FLOW_EULER, DMD) + ", found '" + SafeText.of(sampler) + "'");
    }
}
