package io.lingen;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Schedule;

/**
 * How a model is sampled unless a request says otherwise: {@code scheduler/config.json}.
 *
 * @param schedule a name that {@link Schedule#named} knows
 * @param steps of the sampler
 * @param guidance the scale of classifier-free guidance; 1 is none
 * @param eta how much of its noise a step renews, 0 to 1; 0 is Euler's method
 */
public record SamplingDefaults(String schedule, int steps, double guidance, double eta) {
    /**
     * Reads and checks a scheduler's configuration.
     *
     * @throws io.lingen.core.checkpoint.CheckpointException naming the field, what was found and what would do
     */
    public static SamplingDefaults read(ModelSource source, String component) {
        ConfigReader json = source.config(component + "/config.json");
        String schedule = json.text("schedule");
        try {
            Schedule.named(schedule);
        } catch (IllegalArgumentException e) {
            throw json.error("schedule", schedule, "one of " + Schedule.NAMES);
        }
        SamplingDefaults defaults = new SamplingDefaults(
                schedule,
                json.integer("steps", 1, VideoRequest.MAX_STEPS),
                json.number("guidance", 0, VideoRequest.MAX_GUIDANCE),
                json.has("eta") ? json.number("eta", 0, 1) : 0);
        json.end();
        return defaults;
    }
}
