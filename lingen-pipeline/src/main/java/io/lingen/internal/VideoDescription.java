package io.lingen.internal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.StageTimes;
import io.lingen.VideoPlan;
import io.lingen.VideoResult;
import io.lingen.core.PartialFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** What is written down about a video: the comment tag inside it and the JSON file beside it. */
public final class VideoDescription {
    private static final ObjectMapper mapper = new ObjectMapper();

    private VideoDescription() {}

    /** The JSON file that belongs to a video: its name with the ending .json. */
    public static Path besides(Path video) {
        String name = video.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return video.resolveSibling((dot > 0 ? name.substring(0, dot) : name) + ".json");
    }

    /** The request in one line: all that the video can be made again from, and nothing that changes from run to run. */
    public static String comment(VideoPlan plan, String model, String backend, String precision) {
        return json(mapper.createObjectNode()
                .put("model", model)
                .put("backend", backend)
                .put("precision", precision)
                .set("request", request(plan)));
    }

    /** Writes the JSON file, whole or not at all. */
    public static void write(VideoResult result) throws IOException {
        ObjectNode root = mapper.createObjectNode()
                .put("video", result.video().getFileName().toString())
                .put("model", result.model())
                .put("backend", result.backend())
                .put("precision", result.precision());
        root.set("request", request(result.plan()));
        if (!result.encodedPrompt().equals(result.plan().request().prompt())) {
            root.put("rewritten_prompt", result.encodedPrompt());
        }
        root.put("seconds", result.plan().seconds());
        StageTimes times = result.times();
        root.set(
                "times_s",
                mapper.createObjectNode()
                        .put("load", seconds(times.load()))
                        .put("encode", seconds(times.encode()))
                        .put("denoise", seconds(times.denoise()))
                        .put("decode_and_write", seconds(times.write()))
                        .put("total", seconds(times.total())));
        try (PartialFile file = PartialFile.of(result.description())) {
            Files.writeString(
                    file.path(),
                    mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root) + System.lineSeparator());
            file.commit();
        }
    }

    private static ObjectNode request(VideoPlan plan) {
        return mapper.createObjectNode()
                .put("prompt", plan.request().prompt())
                .put("negative_prompt", plan.request().negativePrompt())
                .put("width", plan.format().width())
                .put("height", plan.format().height())
                .put("frames", plan.frames())
                .put("fps", plan.format().fps())
                .put("steps", plan.steps())
                .put("guidance", plan.guidance())
                .put("schedule", plan.schedule())
                .put("seed", plan.request().seed());
    }

    private static String json(Object node) {
        try {
            return mapper.writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }
}
