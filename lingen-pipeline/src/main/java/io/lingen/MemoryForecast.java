package io.lingen;

/**
 * What a video takes of the host's memory, known before it starts: the peak of resident memory (VmHWM of /proc/PID/status, "Maximum
 * resident set size" of /usr/bin/time -v) of a process that loads the model and makes this one video, as {@code lingen generate} does. All
 * in bytes. For backends that compute in the host's memory.
 *
 * @param program Java with its heap, the libraries and their code
 * @param textEncoders what the text encoders hold of their models, once they are loaded
 * @param weights the packed weights of denoiser and decoder
 * @param loading the most beside these while the model is loaded
 * @param denoising the most beside these while the sampler takes its steps: latents, the prompts' keys and values, a pass
 * @param decoding the most beside these while frames are decoded and written: latents, a tile's activations, frames, the video's encoder
 */
public record MemoryForecast(
        long program, long textEncoders, long weights, long loading, long denoising, long decoding) {
    /** The whole peak. */
    public long peakBytes() {
        return program + textEncoders + weights + Math.max(loading, Math.max(denoising, decoding));
    }

    /** What the video takes of it beside a model that is loaded. */
    public long videoBytes() {
        return Math.max(denoising, decoding);
    }
}
