package io.lingen;

/**
 * A forecast of the host memory of a video, in bytes. It refers to a process that loads the model and makes one video, like {@code lingen
 * generate}, and to backends that compute in host memory. The peak is the peak resident memory of the process: VmHWM in /proc/PID/status, and
 * "Maximum resident set size" of /usr/bin/time -v.
 *
 * @param program the JVM with its heap, libraries and compiled code
 * @param textEncoders the loaded text encoders
 * @param denoiser the packed weights of the denoiser
 * @param decoder the packed weights of the decoder
 * @param loading the additional peak while the model is loaded and prompts are encoded
 * @param denoising the additional peak while sampling: latents, conditioning, activations
 * @param decoding the additional peak while decoding and writing frames: latents, activations, frames, video encoder
 * @param offloaded whether denoiser and decoder are loaded alternately
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
    /** {@return the size of the packed weights of denoiser and decoder in bytes} */
    public long weights() {
        return denoiser + decoder;
    }

    /** {@return the peak memory of the process in bytes} */
    public long peakBytes() {
        return program
                + textEncoders
                + (offloaded ? Math.max(loading, videoBytes()) : weights() + Math.max(loading, videoBytes()));
    }

    /**
     * {@return the peak memory of the video in bytes, without the loaded model} If denoiser and decoder are loaded alternately, it includes the
     * weights of the one in use.
     */
    public long videoBytes() {
        return offloaded ? Math.max(denoiser + denoising, decoder + decoding) : Math.max(denoising, decoding);
    }

    /** {@return this forecast for a model whose denoiser and decoder are loaded alternately} */
    public MemoryForecast asOffloaded() {
        return new MemoryForecast(program, textEncoders, denoiser, decoder, loading, denoising, decoding, true);
    }
}
