package io.lingen;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.internal.SafeText;
import io.lingen.spi.SamplingSettings;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Everything needed to make a video again, and nothing that differs between runs. It is stored as the comment of the video, in its sidecar
 * and in its latents file. On one machine, videos with equal provenance are identical. Immutable.
 *
 * @param version the version of this library
 * @param model the name of the model
 * @param modelHash the SHA-256 checksum of the model's files, see {@link TextToVideoPipeline#modelHash}
 * @param loras the LoRAs that were merged into the model, in their order
 * @param backend the name of the backend
 * @param precision "bf16" or "f32"
 * @param request the complete request: width, height, frames, fps, sampler, steps, guidance and eta are not null, and seconds is null; schedule,
 *     shift and times are null only if the sampler has none
 * @param rewrittenPrompt the prompt after rewriting; null if it is unchanged
 * @param decoded how the decoding of saved latents differed from the other components, for example in the number of steps or in the
 *     decoder; null if it did not
 */
public record VideoProvenance(
        String version,
        String model,
        String modelHash,
        List<Lora> loras,
        String backend,
        String precision,
        VideoRequest request,
        @Nullable String rewrittenPrompt,
        @Nullable String decoded) {
    private static final ObjectMapper mapper = new ObjectMapper();

    /**
     * A LoRA that was merged into the model. The model's hash covers its contents and its scale. LoRAs with equal contents and scales are
     * equal, whatever their names.
     *
     * @param name the name of its file, without folders
     * @param scale the factor of its update
     * @param sha256 the SHA-256 checksum of its file, in hexadecimal
     */
    public record Lora(String name, double scale, String sha256) {
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Lora lora && Double.compare(scale, lora.scale) == 0 && sha256.equals(lora.sha256);
        }

        @Override
        public int hashCode() {
            return Objects.hash(scale, sha256);
        }

        /** {@return the LoRA for messages, for example "style.safetensors at scale 0.8 (SHA-256 5f2b...)"} */
        @Override
        public String toString() {
            return SafeText.of(name) + " at scale " + scale + " (SHA-256 " + SafeText.of(sha256) + ")";
        }
    }

    /**
     * Copies the LoRAs, and checks that the request is complete.
     *
     * @throws IllegalArgumentException if a component of the request is missing
     */
    public VideoProvenance {
        loras = List.copyOf(loras);
        requirePresent(request.width(), "width");
        requirePresent(request.height(), "height");
        requirePresent(request.frames(), "frames");
        requirePresent(request.fps(), "fps");
        requirePresent(request.sampler(), "sampler");
        requirePresent(request.steps(), "steps");
        requirePresent(request.guidance(), "guidance");
        requirePresent(request.eta(), "eta");
    }

    /**
     * The provenance of a video of a model without LoRAs, whose decoding did not differ.
     *
     * @param version the version of this library
     * @param model the name of the model
     * @param modelHash the SHA-256 checksum of the model's files
     * @param backend the name of the backend
     * @param precision "bf16" or "f32"
     * @param request the complete request
     * @param rewrittenPrompt the prompt after rewriting; null if it is unchanged
     * @throws IllegalArgumentException if a component of the request is missing
     */
    public VideoProvenance(
            String version,
            String model,
            String modelHash,
            String backend,
            String precision,
            VideoRequest request,
            @Nullable String rewrittenPrompt) {
        this(version, model, modelHash, List.of(), backend, precision, request, rewrittenPrompt, null);
    }

    private static void requirePresent(@Nullable Object component, String name) {
        if (component == null) {
            throw new IllegalArgumentException("the provenance of a video must contain its " + name + ", found none");
        }
    }

    /** This provenance with a difference in decoding. */
    VideoProvenance withDecoded(String difference) {
        return new VideoProvenance(
                version, model, modelHash, loras, backend, precision, request, rewrittenPrompt, difference);
    }

    /** {@return the LoRAs for messages; "none" if there are none} */
    public String describeLoras() {
        return loras.isEmpty() ? "none" : loras.stream().map(Lora::toString).collect(Collectors.joining(", "));
    }

    /** {@return the prompt that is encoded: the rewritten one, or that of the request; null if the request has none} */
    public @Nullable String encodedPrompt() {
        return rewrittenPrompt == null ? request.prompt() : rewrittenPrompt;
    }

    /** {@return the provenance as one line of JSON, which {@link #parse(String, String)} reads} */
    public String toJson() {
        ObjectNode node = mapper.createObjectNode()
                .put("lingen", version)
                .put("model", model)
                .put("model_sha256", modelHash);
        if (!loras.isEmpty()) {
            ArrayNode merged = node.putArray("loras");
            loras.forEach(lora -> merged.addObject()
                    .put("name", lora.name)
                    .put("scale", lora.scale)
                    .put("sha256", lora.sha256));
        }
        node.put("backend", backend).put("precision", precision);
        ObjectNode asked = node.putObject("request");
        if (request.prompt() != null) {
            asked.put("prompt", request.prompt()).put("negative_prompt", request.negativePrompt());
        } else if (request.label() != null) {
            asked.put("label", request.label());
        } else {
            asked.put("unconditional", true);
        }
        asked.put("width", request.width())
                .put("height", request.height())
                .put("frames", request.frames())
                .put("fps", request.fps())
                .put("sampler", request.sampler())
                .put("steps", request.steps())
                .put("guidance", request.guidance());
        if (request.schedule() != null) {
            asked.put("schedule", request.schedule());
        }
        if (request.shift() != null) {
            asked.put("shift", request.shift());
        }
        if (request.times() != null) {
            request.times().forEach(asked.putArray("times")::add);
        }
        asked.put("eta", request.eta()).put("seed", request.seed());
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
     * Parses a video's comment or sidecar. Unknown fields are ignored, except in the request.
     *
     * @param origin the name of the file, for messages
     * @param json the JSON text
     * @return the provenance
     * @throws CheckpointException if the text is not the JSON of a provenance, or its request is invalid; the message contains the field
     */
    public static VideoProvenance parse(String origin, String json) {
        return parse(origin, json.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Parses a video's comment or sidecar. Unknown fields are ignored, except in the request.
     *
     * @param origin the name of the file, for messages
     * @param json the JSON text in UTF-8
     * @return the provenance
     * @throws CheckpointException if the text is not the JSON of a provenance, or its request is invalid; the message contains the field
     */
    public static VideoProvenance parse(String origin, byte[] json) {
        ConfigReader reader = ConfigReader.parse(origin, json);
        ConfigReader asked = reader.object("request");
        try {
            // Absent in videos of earlier versions, which had only this sampler, and a schedule.
            boolean isEarlier = !asked.has("sampler");
            VideoRequest request = subject(asked)
                    .size(positive(asked, "width"), positive(asked, "height"))
                    .frames(positive(asked, "frames"))
                    .fps(positive(asked, "fps"))
                    .sampler(isEarlier ? SamplingSettings.RECTIFIED_FLOW : asked.text("sampler"))
                    .steps(positive(asked, "steps"))
                    .guidance(asked.number("guidance", 0, VideoRequest.MAX_GUIDANCE))
                    .schedule(isEarlier || asked.has("schedule") ? asked.text("schedule") : null)
                    .shift(asked.has("shift") ? (Double) asked.number("shift", 0, VideoRequest.MAX_SHIFT) : null)
                    .times(asked.has("times") ? asked.numbers("times", 1, VideoRequest.MAX_TIMES) : null)
                    // Absent in videos of earlier versions, which had only Euler's method.
                    .eta(asked.has("eta") ? asked.number("eta", 0, 1) : 0)
                    .seed(asked.whole("seed"))
                    .build();
            asked.end();
            return new VideoProvenance(
                    reader.text("lingen"),
                    reader.text("model"),
                    reader.text("model_sha256"),
                    reader.has("loras")
                            ? reader.objects("loras").stream()
                                    .map(VideoProvenance::lora)
                                    .toList()
                            : List.of(),
                    reader.text("backend"),
                    reader.text("precision"),
                    request,
                    reader.has("rewritten_prompt") ? reader.text("rewritten_prompt") : null,
                    reader.has("decoded") ? reader.text("decoded") : null);
        } catch (IllegalArgumentException e) {
            throw reader.invalid(e);
        }
    }

    private static Lora lora(ConfigReader json) {
        return new Lora(
                json.text("name"), json.number("scale", -Double.MAX_VALUE, Double.MAX_VALUE), json.text("sha256"));
    }

    private static VideoRequest.Builder subject(ConfigReader asked) {
        if (asked.flagOr("unconditional", false)) {
            return VideoRequest.unconditional().toBuilder();
        }
        return asked.has("label")
                ? VideoRequest.ofLabel(asked.integer("label", 0, Integer.MAX_VALUE)).toBuilder()
                : VideoRequest.builder(asked.text("prompt")).negativePrompt(asked.text("negative_prompt"));
    }

    private static int positive(ConfigReader json, String field) {
        return json.integer(field, 1, Integer.MAX_VALUE);
    }

    /** The version of this library from the manifest of its jar; "development" outside a jar. */
    static String libraryVersion() {
        return Objects.requireNonNullElse(VideoProvenance.class.getPackage().getImplementationVersion(), "development");
    }
}
