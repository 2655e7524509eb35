package io.lingen;

import io.lingen.core.Shape;
import io.lingen.core.op.Grid;
import io.lingen.spi.SamplingSettings;
import io.lingen.video.VideoFormat;
import java.util.List;
import java.util.Objects;

/**
 * A request completed with a model's defaults, whose sizes and settings the model supports. Immutable.
 *
 * @param request the original request
 * @param format the width, height and frame rate of the video
 * @param frames the number of frames
 * @param latent the shape of the latent, [C, T, H, W]
 * @param sampling the settings of the sampler
 */
public record VideoPlan(VideoRequest request, VideoFormat format, int frames, Shape latent, SamplingSettings sampling) {
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
                new SamplingSettings(
                        Objects.requireNonNull(request.sampler()),
                        request.schedule(),
                        request.shift(),
                        Objects.requireNonNullElse(request.times(), List.of()),
                        Objects.requireNonNull(request.steps()),
                        Objects.requireNonNull(request.guidance()),
                        Objects.requireNonNull(request.eta())));
    }

    /** {@return the number of sampling steps} */
    public int steps() {
        return sampling.steps();
    }

    /** {@return the scale of classifier-free guidance} */
    public double guidance() {
        return sampling.guidance();
    }

    /** {@return the length of the video in seconds} */
    public double seconds() {
        return (double) frames / format.fps();
    }

    /** {@return whether guidance is active, so that every step evaluates the denoiser twice} */
    public boolean isGuided() {
        return guidance() != 1;
    }
}
