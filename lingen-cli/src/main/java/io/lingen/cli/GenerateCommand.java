package io.lingen.cli;

import io.lingen.Generation;
import io.lingen.PipelineOptions;
import io.lingen.StageTimes;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoPlan;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.diffusion.SamplingStep;
import io.lingen.text.PromptRewriter;
import io.lingen.vae.FrameStream;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lingen generate}: a prompt becomes a video file. */
@Command(
        name = "generate",
        description = "Makes a video from a prompt: FILE, and beside it a .json that says how it was made.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footer = {
            "",
            "Examples:",
            "  lingen generate \"a red circle moves to the right over a night sky\" -o out.mp4",
            "  lingen generate \"two shapes: a small blue ring, then it turns green\" --seconds 34 --seed 7",
            "  lingen generate \"a yellow star spins\" --steps 8 --guidance 1 --quiet",
            "",
            "What is not given is the model's own choice; 'lingen info' shows it."
        })
final class GenerateCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "PROMPT", description = "What the video shows.")
    private String prompt;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "out.mp4",
            description = "The file to write, replaced if it exists: .mp4, .webm, .webp, .gif,"
                    + " or a name without an ending for a folder of PNG frames (default: ${DEFAULT-VALUE}).")
    private Path output;

    @Option(
            names = "--model",
            paramLabel = "DIR|nano",
            defaultValue = TextToVideoPipeline.NANO,
            description = "A model folder, or the embedded model (default: ${DEFAULT-VALUE}).")
    private String model;

    @Option(
            names = "--size",
            paramLabel = "WxH",
            converter = Size.Converter.class,
            description = "Width and height in pixels.")
    private @Nullable Size size;

    @Option(names = "--seconds", paramLabel = "S", description = "The length in seconds; or else --frames.")
    private @Nullable Double seconds;

    @Option(names = "--frames", paramLabel = "N", description = "The length in frames; or else --seconds.")
    private @Nullable Integer frames;

    @Option(names = "--fps", paramLabel = "N", description = "Frames per second of the file.")
    private @Nullable Integer fps;

    @Option(names = "--steps", paramLabel = "N", description = "Steps of the sampler.")
    private @Nullable Integer steps;

    @Option(
            names = "--guidance",
            paramLabel = "G",
            description = "How strictly to follow the prompt; 1 takes half the time.")
    private @Nullable Double guidance;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description = "The sampler's times: linear_quadratic, uniform, shifted, shifted:S.")
    private @Nullable String schedule;

    @Option(names = "--negative", paramLabel = "TEXT", defaultValue = "", description = "What to lead away from.")
    private String negative;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Another seed gives another video (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--precision",
            paramLabel = "bf16|f32",
            defaultValue = "bf16",
            converter = ComputeOptions.Precision.class,
            description = "Of products and activations (default: ${DEFAULT-VALUE}).")
    private DType precision;

    @Mixin
    private ComputeOptions compute;

    @Option(
            names = {"-q", "--quiet"},
            description = "Show errors only.")
    private boolean quiet;

    @Mixin
    private LogLevel logLevel;

    @Override
    public Integer call() throws IOException {
        Progress progress = new Progress(spec.commandLine().getErr(), Progress.detect(quiet));
        VideoRequest request = checkedRequest();
        VideoWriters.requireWritable(output);
        PipelineOptions options =
                new PipelineOptions(compute.backend(), precision, compute.threads(), PromptRewriter.IDENTITY);
        progress.say("loading    " + model);
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model, options)) {
            progress.say("backend    " + pipeline.backend().description());
            progress.say("video      " + describe(pipeline.plan(request)));
            VideoResult result = generate(pipeline, request, progress);
            progress.say(summary(result));
        }
        return 0;
    }

    private VideoResult generate(TextToVideoPipeline pipeline, VideoRequest request, Progress progress)
            throws IOException {
        try (Generation generation = pipeline.start(request)) {
            Iterator<SamplingStep> walk =
                    progress.over("denoising", generation.plan().steps(), generation.steps());
            while (walk.hasNext()) {
                walk.next();
            }
            try (FrameStream stream = generation.frames()) {
                return generation.write(output, progress.over("decoding", stream.frameCount(), stream));
            }
        }
    }

    /** Everything that can be wrong with the request is, before the weights are loaded. */
    private VideoRequest checkedRequest() {
        try {
            VideoRequest request = VideoRequest.builder(prompt)
                    .negativePrompt(negative)
                    .size(size == null ? null : size.width(), size == null ? null : size.height())
                    .seconds(seconds)
                    .frames(frames)
                    .fps(fps)
                    .steps(steps)
                    .guidance(guidance)
                    .schedule(schedule)
                    .seed(seed)
                    .build();
            new BackendOptions(compute.threads());
            VideoWriters.check(output);
            VideoWriters.check(output, TextToVideoPipeline.plan(model, request).format());
            return request;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private static String describe(VideoPlan plan) {
        return String.format(
                Locale.ROOT,
                "%dx%d, %d frames at %d fps (%s s), %d steps, guidance %s, seed %d",
                plan.format().width(),
                plan.format().height(),
                plan.frames(),
                plan.format().fps(),
                Progress.number(plan.seconds()),
                plan.steps(),
                Progress.number(plan.guidance()),
                plan.request().seed());
    }

    private static String summary(VideoResult result) {
        StageTimes times = result.times();
        return String.format(
                "%s: %s (load %s, encode %s, denoise %s, decode and write %s)",
                result.video(),
                time(times.total()),
                time(times.load()),
                time(times.encode()),
                time(times.denoise()),
                time(times.write()));
    }

    private static String time(Duration duration) {
        return Progress.time(duration.toMillis() / 1000.0);
    }
}
