package io.lingen.internal.family;

import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.internal.SafeText;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.internal.latte.LatteConfig;
import io.lingen.diffusion.internal.sampler.DdimSampler;
import io.lingen.diffusion.internal.sampler.DdpmSampler;
import io.lingen.diffusion.internal.sampler.NoiseSchedule;
import io.lingen.diffusion.internal.sampler.StepNoise;
import io.lingen.spi.SamplingSettings;
import java.util.ArrayList;
import java.util.List;

/**
 * The noise levels and the default sampling settings of a Latte model, {@code scheduler/config.json}.
 *
 * @param noise the noise levels of the training
 * @param offset added to every timestep of the schedule {@value #LEADING}
 * @param defaults the default sampler
 */
record LatteScheduler(NoiseSchedule noise, int offset, SamplingSettings defaults) {
    static final String DDIM = "ddim";
    static final String DDPM = "ddpm";

    /** Timesteps that are rounded values of equal strides, from the last to 0. */
    static final String EVEN = "even";

    /** Timesteps with a whole stride, of which the last is the offset. */
    static final String LEADING = "leading";

    /** The noise levels of all published models. */
    static final NoiseSchedule PUBLISHED = NoiseSchedule.linear(1000, 1e-4, 2e-2);

    /**
     * Reads and checks the settings.
     *
     * @throws io.lingen.core.checkpoint.CheckpointException if they are malformed; the message contains the field, the value found and the
     *     rule
     */
    static LatteScheduler read(ConfigReader json, LatteConfig config) {
        String sampler = json.text("sampler");
        List<String> samplers = samplers(config);
        if (!samplers.contains(sampler)) {
            throw json.error("sampler", '"' + sampler + '"', "one of " + String.join(", ", samplers));
        }
        String schedule = json.text("schedule");
        if (!schedule.equals(EVEN) && !schedule.equals(LEADING)) {
            throw json.error("schedule", '"' + schedule + '"', EVEN + " or " + LEADING);
        }
        double guidance = json.number("guidance", 0, SamplingSettings.MAX_GUIDANCE);
        if (config.condition() == LatteConfig.Condition.NONE && guidance != 1) {
            throw json.error("guidance", guidance, "1: the model is unconditional");
        }
        int timesteps = json.integerOr("train_timesteps", 1000, 2, 100_000);
        int steps = json.integer("steps", 1, timesteps);
        double first = json.numberOr("beta_start", 1e-4, 1e-12, 0.5);
        NoiseSchedule noise = NoiseSchedule.linear(timesteps, first, json.numberOr("beta_end", 2e-2, first, 0.999));
        int offset = json.integerOr("steps_offset", 0, 0, timesteps - 1);
        SamplingSettings defaults = new SamplingSettings(
                sampler,
                schedule,
                null,
                List.of(),
                steps,
                guidance,
                json.has("eta") ? json.number("eta", 0, sampler.equals(DDIM) ? 1 : 0) : 0);
        json.end();
        return new LatteScheduler(noise, offset, defaults);
    }

    private static List<String> samplers(LatteConfig config) {
        return config.learnsVariance() ? List.of(DDPM, DDIM) : List.of(DDIM);
    }

    /** {@return the samplers of a model, the default first} */
    List<SamplingSettings> samplersOf(LatteConfig config) {
        List<SamplingSettings> all = new ArrayList<>(List.of(defaults));
        for (String name : samplers(config)) {
            if (!name.equals(defaults.sampler())) {
                all.add(new SamplingSettings(
                        name, defaults.schedule(), null, List.of(), defaults.steps(), defaults.guidance(), 0));
            }
        }
        return all;
    }

    /**
     * Checks the settings of a request.
     *
     * @throws IllegalArgumentException if the model does not support them
     */
    void require(SamplingSettings settings, LatteConfig config) {
        String sampler = settings.sampler();
        if (settings.shift() != null || !settings.times().isEmpty()) {
            throw new IllegalArgumentException("sampler " + sampler + " must have a schedule in place of "
                    + (settings.shift() != null ? "a shift" : "times") + "; omit it, or use the schedule " + EVEN
                    + " or "
                    + LEADING);
        }
        if (sampler.equals(DDPM) && settings.eta() != 0) {
            throw new IllegalArgumentException("eta must be 0 for the sampler " + DDPM + ", found " + settings.eta()
                    + "; omit it, or use the sampler " + DDIM);
        }
        if (config.condition() == LatteConfig.Condition.NONE && settings.guidance() != 1) {
            throw new IllegalArgumentException(
                    "guidance must be 1 for an unconditional model, found " + settings.guidance() + "; omit it");
        }
        timesteps(settings);
    }

    private int[] timesteps(SamplingSettings settings) {
        String schedule = settings.schedule();
        if (EVEN.equals(schedule)) {
            return noise.evenTimesteps(settings.steps());
        }
        if (LEADING.equals(schedule)) {
            return noise.leadingTimesteps(settings.steps(), offset);
        }
        throw new IllegalArgumentException("schedule must be " + EVEN + " or " + LEADING + " for the sampler "
                + settings.sampler() + ", found '" + SafeText.of(String.valueOf(schedule)) + "'");
    }

    /**
     * {@return a sampler}
     *
     * @param seed of noise that is drawn during the steps
     */
    Sampler sampler(Backend backend, SamplingSettings settings, LatteConfig config, long seed) {
        int[] timesteps = timesteps(settings);
        if (settings.sampler().equals(DDPM)) {
            return new DdpmSampler(backend, noise, timesteps, StepNoise.ofSeed(backend, seed));
        }
        Prediction prediction = config.learnsVariance() ? Prediction.NOISE_AND_VARIANCE : Prediction.NOISE;
        return new DdimSampler(backend, noise, timesteps, prediction, settings.eta(), seed);
    }
}
