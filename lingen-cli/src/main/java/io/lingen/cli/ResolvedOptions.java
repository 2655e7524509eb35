package io.lingen.cli;

import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.spi.ModelOptions;
import io.lingen.text.PromptRewriter;
import org.jspecify.annotations.Nullable;

/**
 * The model and settings of a command. A value comes from the options, otherwise from the recorded video, otherwise from the defaults.
 *
 * @param options the options
 * @param recorded the video of {@code --like}, or null
 */
record ResolvedOptions(VideoOptions options, @Nullable RecordedVideo recorded) {
    /** Starts a request, with the recorded prompt if {@code prompt} is null. */
    VideoRequest.Builder request(@Nullable String prompt) {
        if (prompt != null && options.request().hasLabel()) {
            throw new IllegalArgumentException(
                    "request must have either a prompt or a class label, found both; omit --label");
        }
        VideoRequest request = recorded == null ? VideoRequest.unconditional() : recorded.request();
        VideoRequest.Builder builder = request.toBuilder();
        return options.request().applyTo(prompt == null ? builder : builder.prompt(prompt));
    }

    /**
     * The name of the embedded model, or the path of a model folder.
     *
     * @throws IllegalArgumentException if the recorded model is needed and not found
     */
    String model() {
        if (options.model() != null) {
            return options.model();
        }
        return recorded == null ? TextToVideoPipeline.NANO : recorded.model();
    }

    /**
     * The options of the pipeline.
     *
     * @param isRecordedPrompt whether the recorded prompt is used, which must not be rewritten again
     */
    PipelineOptions pipelineOptions(boolean isRecordedPrompt) {
        ComputeOptions compute = options.compute();
        DType precision = options.precision();
        if (precision == null) {
            precision = recorded == null ? DType.BF16 : recorded.precision();
        }
        ModelOptions files = options.modelFiles().options();
        return PipelineOptions.defaults()
                .withBackend(compute.isBackendGiven() || recorded == null ? compute.backend() : recorded.backend())
                .withPrecision(precision)
                .withThreads(compute.threads())
                .withRewriter(options.isAsWritten() || isRecordedPrompt ? PromptRewriter.IDENTITY : null)
                .withTextCache(options.textCache())
                .withModel(recorded == null ? files : recorded.withLoras(files))
                .withOffload(options.offload().offload());
    }

    /** Compares the loaded model with the recorded one, if any; see {@link RecordedVideo#compare}. */
    void compare(VideoRun run) {
        if (recorded != null) {
            boolean otherModel = options.model() != null || options.modelFiles().areGiven();
            recorded.compare(run.pipeline(), otherModel, run.progress());
        }
    }
}
