package io.lingen;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a video is made: all that it can be made again from, and nothing that changes from run to run. It is the comment tag inside every
 * video, a part of the JSON file beside it and of the file of its latents. Equal descriptions on the same machine are equal videos. Immutable.
 *
 * @param version of this library
 * @param model the model's name
 * @param modelHash the SHA-256 sum of the model's files, see {@link TextToVideoPipeline#modelHash}
 * @param backend the backend's name
 * @param precision "bf16" or "f32"
 * @param request what is made, nothing left open: width, height, frames, fps, steps, guidance, schedule and eta are there, seconds are not
 * @param rewrittenPrompt what a rewriter made of the request's prompt; null if it is encoded as it is
 * @param decoded what was different when saved latents were decoded, such as steps that were not done or another decoder; null for a
 *     video that the rest of the provenance makes
 */
public record VideoProvenance(
        String version,
        String model,
        String modelHash,
        String backend,
        String precision,
        VideoRequest request,
        @Nullable String rewrittenPrompt,
        @Nullable String decoded) {
    private static final ObjectMapper mapper = new ObjectMapper();

    public VideoProvenance {
        requirePresent(request.width(), "width");
        requirePresent(request.height(), "height");
        requirePresent(request.frames(), "frames");
        requirePresent(request.fps(), "fps");
        requirePresent(request.steps(), "steps");
        requirePresent(request.guidance(), "guidance");
        requirePresent(request.schedule(), "schedule");
        requirePresent(request.eta(), "eta");
    }

    /** The provenance of a video that is made from its request alone, not decoded from saved latents in another way. */
    public VideoProvenance(
            String version,
            String model,
            String modelHash,
            String backend,
            String precision,
            VideoRequest request,
            @Nullable String rewrittenPrompt) {
        this(version, model, modelHash, backend, precision, request, rewrittenPrompt, null);
    }

    private static void requirePresent(@Nullable Object component, String name) {
        if (component == null) {
            throw new IllegalArgumentException("the provenance of a video must contain its " + name + ", found none");
        }
    }

    /** The provenance of a video whose latents were not simply made and decoded. */
    VideoProvenance withDecoded(String difference) {
        return new VideoProvenance(version, model, modelHash, backend, precision, request, rewrittenPrompt, difference);
    }

    /** The prompt that is encoded: the request's, or what a rewriter made of it; null if the video shows a class. */
    public @Nullable String encodedPrompt() {
        return rewrittenPrompt == null ? request.prompt() : rewrittenPrompt;
    }

    /** The provenance as JSON in one line; {@link #parse} is its inverse. */
    public String toJson() {
        ObjectNode node = mapper.createObjectNode()
                .put("lingen", version)
                .put("model", model)
                .put("model_sha256", modelHash)
                .put("backend", backend)
                .put("precision", precision);
        ObjectNode asked = node.putObject("request");
        if (request.label() == null) {
            asked.put("prompt", request.prompt()).put("negative_prompt", request.negativePrompt());
        } else {
            asked.put("label", request.label());
        }
        asked.put("width", request.width())
                .put("height", request.height())
                .put("frames", request.frames())
                .put("fps", request.fps())
                .put("steps", request.steps())
                .put("guidance", request.guidance())
                .put("schedule", request.schedule())
                .put("eta", request.eta())
                .put("seed", request.seed());
        if (rewrittenPrompt != null) {
            node.put("rewritten_prompt", rewrittenPrompt);
        }
        if (decoded != null) {
            node.put("decoded", decoded);
        }
        try {
            return mapper.writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Reads a provenance: a video's tag or the JSON file beside it. Other fields than a provenance's are allowed, but not in the request.
     *
     * @param origin the file's name, for messages
     * @throws CheckpointException if it is none, or its request is one that no model can carry out; the message names the field
     */
    public static VideoProvenance parse(String origin, String json) {
        return parse(origin, json.getBytes(StandardCharsets.UTF_8));
    }

    /** As the other, from UTF-8. */
    public static VideoProvenance parse(String origin, byte[] json) {
        ConfigReader reader = ConfigReader.parse(origin, json);
        ConfigReader asked = reader.object("request");
        try {
            VideoRequest request = subject(asked)
                    .size(positive(asked, "width"), positive(asked, "height"))
                    .frames(positive(asked, "frames"))
                    .fps(positive(asked, "fps"))
                    .steps(positive(asked, "steps"))
                    .guidance(asked.number("guidance", 0, VideoRequest.MAX_GUIDANCE))
                    .schedule(asked.text("schedule"))
                    // Absent in videos of earlier versions, whose steps were Euler's.
                    .eta(asked.has("eta") ? asked.number("eta", 0, 1) : 0)
                    .seed(asked.whole("seed"))
                    .build();
            asked.end();
            return new VideoProvenance(
                    reader.text("lingen"),
                    reader.text("model"),
                    reader.text("model_sha256"),
                    reader.text("backend"),
                    reader.text("precision"),
                    request,
                    reader.has("rewritten_prompt") ? reader.text("rewritten_prompt") : null,
                    reader.has("decoded") ? reader.text("decoded") : null);
        } catch (IllegalArgumentException e) {
            throw reader.invalid(e);
        }
    }

    private static VideoRequest.Builder subject(ConfigReader asked) {
        return asked.has("label")
                ? VideoRequest.ofLabel(asked.integer("label", 0, Integer.MAX_VALUE)).toBuilder()
                : VideoRequest.builder(asked.text("prompt")).negativePrompt(asked.text("negative_prompt"));
    }

    private static int positive(ConfigReader json, String field) {
        return json.integer(field, 1, Integer.MAX_VALUE);
    }

    /** The version of this library by its jar's manifest; "development" outside of a jar. */
    static String libraryVersion() {
        return Objects.requireNonNullElse(VideoProvenance.class.getPackage().getImplementationVersion(), "development");
    }
}
