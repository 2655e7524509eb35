package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.op.Grid;

/**
 * The forecast cost of decoding a video.
 *
 * @param weightBytes the packed weights, as long as the decoder is loaded
 * @param passBytes the peak of all other allocations: a tile's activations, the latents and the frames that two tiles share. The backend's
 *     own scratch memory is not included.
 * @param operations floating-point operations for the whole video, including repeated decoding of overlaps; a multiply-add counts as two
 */
public record DecodingCost(long weightBytes, long passBytes, long operations) {
    /**
     * Counts the decoding of a clip by a dry run of the decoder.
     *
     * @param source the files of the model
     * @param component the decoder's folder in the model, usually "vae"
     * @param precision the type of activations and products: F32 or BF16
     * @param latent the frames, rows and columns of the clip's latent
     * @return the cost
     * @throws io.lingen.core.checkpoint.CheckpointException if the configuration or a tensor is missing, ill-formed or of a wrong shape
     */
    public static DecodingCost of(ModelSource source, String component, DType precision, Grid latent) {
        try (DryRun dryRun = DryRun.exact();
                LatentVideoDecoder decoder = LatentVideoDecoder.load(source, component, dryRun.backend(), precision);
                Workspace input = dryRun.backend().newWorkspace()) {
            Backend backend = dryRun.backend();
            long weightBytes = backend.memory().liveBytes();
            Tensor z = input.allocate(DType.F32, decoder.latentChannels(), latent.t(), latent.h(), latent.w());
            backend.memory().resetPeak();
            try (FrameStream frames = decoder.frames(z)) {
                frames.decodeAll();
            }
            long passBytes = backend.memory().peakBytes() - weightBytes;
            return new DecodingCost(weightBytes, passBytes, backend.operations().total());
        }
    }
}
