package io.lingen;

import io.lingen.core.Shape;
import io.lingen.core.op.Grid;
import io.lingen.spi.SamplingSettings;
import io.lingen.video.VideoFormat;
import java.util.Objects;

/**
 * A request completed with a model's defaults, whose sizes and settings the model supports. Immutable.
 *
 * @param request the original request
 * @param format the width, height and frame rate of the video
 * @param frames the number of frames
 * @param latent the shape of the latent, [C, T, H, W]
 * @param steps the number of sampling steps
 * @param guidance the scale of classifier-free guidance
 * @param schedule the name of the timestep schedule
 * @param eta the fraction of the noise that a step renews
 */
public record VideoPlan(
        VideoRequest request,
        VideoFormat format,
        int frames,
        Shape latent,
        int steps,
        double guidance,
        String schedule,
        double eta) {
    /**
     * The plan of a complete request.
     *
     * @param pixels the frames, rows and columns that the decoder makes of the latent
     */
    static VideoPlan of(VideoRequest request, Grid pixels, Shape latent) {
        return new VideoPlan(
                request,
                new VideoFormat(pixels.w(), pixels.h(), Objects.requireNonNull(request.fps())),
                pixels.t(),
                latent,
                Objects.requireNonNull(request.steps()),
                Objects.requireNonNull(request.guidance()),
                Objects.requireNonNull(request.schedule()),
                Objects.requireNonNull(request.eta()));
    }

    /** The sampling settings. */
    SamplingSettings sampling() {
        return new SamplingSettings(schedule, steps, guidance, eta);
    }

    /** {@return the length of the video in seconds} */
    public double seconds() {
        return (double) frames / format.fps();
    }

    /** {@return whether guidance is active, so that every step evaluates the denoiser twice} */
    public boolean isGuided() {
        return guidance != 1;
    }
}
