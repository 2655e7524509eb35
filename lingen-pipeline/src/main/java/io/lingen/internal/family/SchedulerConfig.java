package io.lingen.internal.family;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.diffusion.Schedule;
import io.lingen.spi.SamplingSettings;
import java.util.List;

/** Reader of a model's default sampling settings, {@code scheduler/config.json}. */
final class SchedulerConfig {
    private SchedulerConfig() {}

    /**
     * Reads and checks the defaults.
     *
     * @throws io.lingen.core.checkpoint.CheckpointException if they are malformed; the message contains the field, the value found and the
     *     rule
     */
    static SamplingSettings read(ConfigReader json) {
        String schedule = json.text("schedule");
        try {
            Schedule.named(schedule);
        } catch (IllegalArgumentException e) {
            throw json.error("schedule", schedule, "one of " + Schedule.NAMES);
        }
        SamplingSettings settings = new SamplingSettings(
                SamplingSettings.RECTIFIED_FLOW,
                schedule,
                null,
                List.of(),
                json.integer("steps", 1, SamplingSettings.MAX_STEPS),
                json.number("guidance", 0, SamplingSettings.MAX_GUIDANCE),
                json.has("eta") ? json.number("eta", 0, 1) : 0);
        json.end();
        return settings;
    }
}
