package io.lingen;

import io.lingen.core.Shape;
import io.lingen.core.op.Grid;
import io.lingen.spi.SamplingSettings;
import io.lingen.video.VideoFormat;
import java.util.Objects;

/**
 * A request as a model will carry it out: nothing is left open, every size is one that the model makes.
 *
 * @param request what was asked for
 * @param format width, height and frames per second of the file
 * @param frames the number of frames
 * @param latent [C, T, H, W]
 * @param steps of the sampler
 * @param guidance the scale of classifier-free guidance
 * @param schedule the name of the sampler's schedule
 * @param eta how much of its noise a step renews
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
    /** The plan of a request that leaves nothing open, for a decoder that makes so many frames, rows and columns of a latent. */
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

    /** The settings of the sampler. */
    SamplingSettings sampling() {
        return new SamplingSettings(schedule, steps, guidance, eta);
    }

    /** The length of the file in seconds. */
    public double seconds() {
        return (double) frames / format.fps();
    }

    /** Whether the negative prompt takes part. */
    public boolean isGuided() {
        return guidance != 1;
    }
}
