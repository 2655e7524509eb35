package io.lingen;

import java.time.Duration;

/**
 * The wall-clock times of the stages of a video.
 *
 * @param load loading the model, once per pipeline
 * @param encode encoding the prompts and projecting them for all blocks
 * @param denoise the steps of the sampler
 * @param write decoding the frames and writing the file
 */
public record StageTimes(Duration load, Duration encode, Duration denoise, Duration write) {
    /** {@return the sum of all stages} */
    public Duration total() {
        return load.plus(encode).plus(denoise).plus(write);
    }
}
