package io.lingen.cli;

import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.text.PromptRewriter;
import org.jspecify.annotations.Nullable;

/**
 * The model and settings that turn prompts into videos: options, over those of a recorded video, over the defaults.
 *
 * @param recorded the video named by {@code --like}, or null
 */
record ResolvedOptions(VideoOptions options, @Nullable RecordedVideo recorded) {
    /** Starts a request, with the recorded prompt if {@code prompt} is null. */
    VideoRequest.Builder request(@Nullable String prompt) {
        if (prompt != null && options.request().hasLabel()) {
            throw new IllegalArgumentException("a video shows a prompt or a class, found both; leave out --label");
        }
        VideoRequest.Builder builder = recorded == null ? VideoRequest.builder("") : recorded.request().toBuilder();
        return options.request().applyTo(prompt == null ? builder : builder.prompt(prompt));
    }

    /**
     * Returns the name of the embedded model, or the path of a model folder.
     *
     * @throws IllegalArgumentException if the recorded model is needed and not here
     */
    String model() {
        if (options.model() != null) {
            return options.model();
        }
        return recorded == null ? TextToVideoPipeline.NANO : recorded.model();
    }

    /**
     * Returns how to compute.
     *
     * @param isRecordedPrompt whether the recorded prompt is encoded again, which must not be rewritten twice
     */
    PipelineOptions pipelineOptions(boolean isRecordedPrompt) {
        ComputeOptions compute = options.compute();
        DType precision = options.precision();
        if (precision == null) {
            precision = recorded == null ? DType.BF16 : recorded.precision();
        }
        return PipelineOptions.defaults()
                .withBackend(compute.isBackendGiven() || recorded == null ? compute.backend() : recorded.backend())
                .withPrecision(precision)
                .withThreads(compute.threads())
                .withRewriter(options.isAsWritten() || isRecordedPrompt ? PromptRewriter.IDENTITY : null)
                .withTextCache(options.textCache())
                .withModel(options.modelFiles().options())
                .withOffload(options.offload().offload());
    }

    /** Prints how the loaded model differs from the recorded one; see {@link RecordedVideo#compare}. */
    void compare(VideoRun run) {
        if (recorded != null) {
            recorded.compare(run.pipeline(), options.model() != null, run.progress());
        }
    }
}
