package io.lingen;

/**
 * The host memory of a video, forecast before it starts: the peak resident memory (VmHWM of /proc/PID/status, "Maximum resident set size" of
 * /usr/bin/time -v) of a process that loads the model and makes this one video, as {@code lingen generate} does. All in bytes. For backends
 * that compute in the host's memory.
 *
 * @param program Java with its heap, the libraries and their code
 * @param textEncoders the loaded text encoders
 * @param denoiser the packed weights of the denoiser
 * @param decoder the packed weights of the decoder
 * @param loading the most in addition while the model is loaded and prompts are encoded
 * @param denoising the most in addition while the sampler takes its steps: latents, the prompts' keys and values, a pass
 * @param decoding the most in addition while frames are decoded and written: latents, activations, frames, the encoder of the video file
 * @param offloaded whether denoiser and decoder take turns in memory
 */
public record MemoryForecast(
        long program,
        long textEncoders,
        long denoiser,
        long decoder,
        long loading,
        long denoising,
        long decoding,
        boolean offloaded) {
    /** {@return the packed weights of denoiser and decoder together} */
    public long weights() {
        return denoiser + decoder;
    }

    /** {@return the peak of the whole process} */
    public long peakBytes() {
        return program
                + textEncoders
                + (offloaded ? Math.max(loading, videoBytes()) : weights() + Math.max(loading, videoBytes()));
    }

    /** {@return the memory of the video itself: in addition to the loaded model, or with the weights of the part in use if they take turns} */
    public long videoBytes() {
        return offloaded ? Math.max(denoiser + denoising, decoder + decoding) : Math.max(denoising, decoding);
    }

    /** {@return this forecast for a model whose denoiser and decoder take turns in memory} */
    public MemoryForecast asOffloaded() {
        return new MemoryForecast(program, textEncoders, denoiser, decoder, loading, denoising, decoding, true);
    }
}
