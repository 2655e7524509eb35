package io.lingen.wan.internal;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.SafeText;
import io.lingen.spi.ModelSignature;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

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

    private static final Map<String, List<String>> PARTS = Map.of(
            "transformer", List.of("WanTransformer3DModel"),
            "vae", List.of("AutoencoderKLWan"),
            "text_encoder", List.of("UMT5EncoderModel"));

    /**
     * Reads and checks an index. Components may be missing from it, so that a folder with a transformer alone can be compared with fixtures.
     *
     * @throws CheckpointException if the model is of a kind that is not implemented, by name
     */
    static WanIndex read(ModelSource source) {
        ConfigReader json = source.config(ModelSignature.FILE);
        String pipeline = json.text("_class_name");
        if (!pipeline.equals(PIPELINE) && !pipeline.equals(DISTILLED_PIPELINE)) {
            String kind = UNSUPPORTED.get(pipeline);
            throw json.error(
                    "_class_name",
                    '"' + SafeText.of(pipeline) + '"' + (kind == null ? "" : " (" + kind + ")"),
                    '"' + PIPELINE + "\" or \"" + DISTILLED_PIPELINE + "\": text-to-video models");
        }
        PARTS.forEach((part, classes) -> {
            String found = className(json, part);
            if (found != null && !classes.contains(found)) {
                throw json.error(part, '"' + SafeText.of(found) + '"', String.join(" or ", classes));
            }
        });
        if (className(json, "transformer_2") != null || json.has("boundary_ratio")) {
            throw json.error(
                    "transformer_2",
                    "a second transformer",
                    "none: models of two experts, such as Wan2.2-T2V-A14B, are not implemented");
        }
        return new WanIndex(pipeline.equals(DISTILLED_PIPELINE));
    }

    private static @Nullable String className(ConfigReader json, String part) {
        if (!json.has(part)) {
            return null;
        }
        List<@Nullable String> libraryAndClass = json.textsOrNulls(part);
        if (libraryAndClass.size() != 2) {
            throw json.error(part, "an array of " + libraryAndClass.size(), "a library and a class");
        }
        return libraryAndClass.get(1);
    }
}
