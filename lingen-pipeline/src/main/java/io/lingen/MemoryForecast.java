package io.lingen;

/**
 * A forecast of the host memory of a video, in bytes. It refers to a process that loads the model and makes one video, like {@code lingen
 * generate}, and to backends that compute in host memory. The sum is the peak resident memory of the process: VmHWM in /proc/PID/status,
 * and "Maximum resident set size" of /usr/bin/time -v.
 *
 * @param program the JVM with its heap, libraries and compiled code
 * @param textEncoders the loaded text encoders
 * @param weights the packed weights of denoiser and decoder
 * @param loading the additional peak while the model is loaded
 * @param denoising the additional peak while sampling: latents, conditioning, activations
 * @param decoding the additional peak while decoding and writing frames: latents, activations of a tile, frames, video encoder
 */
public record MemoryForecast(
        long program, long textEncoders, long weights, long loading, long denoising, long decoding) {
    /** {@return the peak memory of the process in bytes} */
    public long peakBytes() {
        return program + textEncoders + weights + Math.max(loading, Math.max(denoising, decoding));
    }

    /** {@return the peak memory of the video in bytes, without the loaded model} */
    public long videoBytes() {
        return Math.max(denoising, decoding);
    }
}
