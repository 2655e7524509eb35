package io.lingen.cli;

import io.lingen.core.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of the commands that make videos from prompts. */
final class VideoOptions {
    @Mixin
    private RequestOptions request;

    @Option(
            names = "--like",
            paramLabel = "FILE",
            description =
                    "Repeat the request that a video or its sidecar records, with the recorded model, backend and precision."
                            + " PROMPT and other options override single values; --sampler also resets schedule, shift, times and eta.")
    private @Nullable Path like;

    @Option(
            names = "--model",
            paramLabel = "DIR|nano",
            description =
                    "Model folder, or nano for the embedded model (default: nano; with --like, the recorded model).")
    private @Nullable String model;

    @Mixin
    private ModelFileOptions modelFiles;

    @Mixin
    private OffloadOption offload;

    @Option(
            names = "--as-written",
            description =
                    "Encode the prompt verbatim. By default the model's thesaurus, if it has one, replaces words that the"
                            + " model was not trained on.")
    private boolean asWritten;

    @Mixin
    private PrecisionOption precision;

    @Mixin
    private ComputeOptions compute;

    @Mixin
    private TextCacheOption textCache;

    /**
     * Returns a warning for each option that has no effect because of another option.
     *
     * @param isRecordedPrompt whether the prompt is that of {@code --like}
     */
    List<String> ineffectiveOptions(boolean isRecordedPrompt) {
        List<String> problems = new ArrayList<>(request.ineffectiveOptions());
        if (asWritten && request.hasLabel()) {
            problems.add("--as-written has no effect with --label, which replaces the prompt");
        } else if (asWritten && isRecordedPrompt) {
            problems.add(
                    "--as-written has no effect with the recorded prompt of --like, which is always encoded verbatim");
        }
        return problems;
    }

    boolean isLikeGiven() {
        return like != null;
    }

    @Nullable
    String model() {
        return model;
    }

    OffloadOption offload() {
        return offload;
    }

    ModelFileOptions modelFiles() {
        return modelFiles;
    }

    boolean isAsWritten() {
        return asWritten;
    }

    /** The precision, or null if the option is absent. */
    @Nullable
    DType precision() {
        return precision.precision();
    }

    ComputeOptions compute() {
        return compute;
    }

    /** The folder of encoded prompts, or null if the option is absent. */
    @Nullable
    Path textCache() {
        return textCache.folder();
    }

    RequestOptions request() {
        return request;
    }

    /**
     * Combines the options with those of the recorded video, if {@code --like} is present.
     *
     * @throws IllegalArgumentException if the video contains no valid provenance
     */
    ResolvedOptions resolve() throws IOException {
        return new ResolvedOptions(this, like == null ? null : RecordedVideo.read(like));
    }
}
