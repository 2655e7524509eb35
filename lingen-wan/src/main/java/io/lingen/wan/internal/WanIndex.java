package io.lingen.wan.internal;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.internal.diffusers.DiffusersFolder;
import io.lingen.internal.diffusers.DiffusersIndex;
import java.util.List;
import java.util.Map;

/**
 * The index of a folder in the layout of diffusers: {@code model_index.json}.
 *
 * @param distilled whether the folder is of a few-step model, by the name of its pipeline
 */
record WanIndex(boolean distilled) {
    private static final String PIPELINE = "WanPipeline";
    private static final String DISTILLED_PIPELINE = "WanDMDPipeline";

    /** Pipelines that need components that are not implemented. */
    private static final Map<String, String> UNSUPPORTED = Map.of(
            "WanCausalDMDPipeline", "Self-Forcing, which generates a few frames at a time with a cache of earlier ones",
            "WanImageToVideoPipeline", "image-to-video",
            "WanVideoToVideoPipeline", "video-to-video",
            "WanVACEPipeline", "VACE, video editing",
            "WanAnimatePipeline", "Animate, character animation");

    /**
     * Reads and checks an index. Components may be missing from it, so that a folder with a transformer alone can be compared with fixtures.
     *
     * @throws CheckpointException if the model is of a kind that is not implemented, by name
     */
    static WanIndex read(ModelSource source) {
        DiffusersIndex index = DiffusersIndex.read(source);
        index.requirePipeline(List.of(PIPELINE, DISTILLED_PIPELINE), UNSUPPORTED);
        index.requireClass(DiffusersFolder.TRANSFORMER, "WanTransformer3DModel");
        index.requireClass(DiffusersFolder.VAE, "AutoencoderKLWan");
        index.requireClass(DiffusersFolder.TEXT_ENCODER, "UMT5EncoderModel");
        ConfigReader json = index.json();
        if (index.className("transformer_2") != null || json.has("boundary_ratio")) {
            throw json.error(
                    "transformer_2",
                    "a second transformer",
                    "none: models of two experts, such as Wan2.2-T2V-A14B, are not implemented");
        }
        return new WanIndex(index.pipeline().equals(DISTILLED_PIPELINE));
    }
}
