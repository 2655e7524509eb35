package io.lingen;

import java.time.Duration;

/**
 * How long the stages took, by the wall clock.
 *
 * @param load the model, once per pipeline
 * @param encode the prompts, text projections included
 * @param denoise all steps of the sampler
 * @param write decoding the frames and writing the file
 */
public record StageTimes(Duration load, Duration encode, Duration denoise, Duration write) {
    /** All of them. */
    public Duration total() {
        return load.plus(encode).plus(denoise).plus(write);
    }
}
