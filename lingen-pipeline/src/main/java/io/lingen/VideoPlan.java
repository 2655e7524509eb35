package io.lingen;

import io.lingen.core.Shape;
import io.lingen.video.VideoFormat;

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
 */
public record VideoPlan(
        VideoRequest request,
        VideoFormat format,
        int frames,
        Shape latent,
        int steps,
        double guidance,
        String schedule) {
    /** The length of the file in seconds. */
    public double seconds() {
        return (double) frames / format.fps();
    }

    /** Whether the negative prompt takes part. */
    public boolean isGuided() {
        return guidance != 1;
    }
}
