package io.lingen.cli;

import io.lingen.VideoRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A choice of a sampler and its settings, which overrides that of a request. Settings that only the overridden choice could have are reset to
 * the model's defaults. Null components are not chosen.
 *
 * @param sampler the name of a sampler; resets schedule, shift, times and eta
 * @param schedule the name of a timestep schedule
 * @param shift the shift of the noise levels; resets times
 * @param times the time of the denoiser in every step; resets shift and steps
 * @param steps the number of steps; resets times
 * @param eta the fraction of the noise that a step renews
 */
record SamplerChoice(
        @Nullable String sampler,
        @Nullable String schedule,
        @Nullable Double shift,
        @Nullable List<Double> times,
        @Nullable Integer steps,
        @Nullable Double eta) {
    void applyTo(VideoRequest.Builder request) {
        if (sampler != null) {
            request.sampler(sampler).schedule(null).shift(null).times(null).eta(null);
        }
        if (times != null) {
            request.times(times).shift(null).steps(null);
        } else if (shift != null || steps != null) {
            request.times(null);
        }
        if (schedule != null) {
            request.schedule(schedule);
        }
        if (shift != null) {
            request.shift(shift);
        }
        if (steps != null) {
            request.steps(steps);
        }
        if (eta != null) {
            request.eta(eta);
        }
    }
}
