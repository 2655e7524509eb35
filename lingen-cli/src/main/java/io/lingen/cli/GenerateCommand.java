package io.lingen.cli;

import io.lingen.GenerationCancelledException;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.backend.Backends;
import io.lingen.text.PromptRewriter;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code lingen generate}: prompts become videos. */
@Command(
        name = "generate",
        description = "Makes a video from a prompt: FILE, and beside it a .json that says how it was made."
                + " The ending of FILE chooses the format: .mp4, .webm, .webp, .gif, none for a folder of PNG frames.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footer = {
            "",
            "Examples:",
            "  lingen generate \"a red circle moves to the right over a night sky\" -o out.mp4",
            "  lingen generate \"two shapes: a small blue ring, then it turns green\" --seconds 34 --seed 7",
            "  lingen generate \"a yellow star spins\" --steps 8 --guidance 1 --quiet -o star.webp",
            "  lingen generate --like out.mp4 -o again.mp4",
            "  lingen generate --resume out.mp4",
            "  lingen generate --prompt-file prompts.txt --count 2 -o videos/clip.mp4",
            "",
            "What is not given is the model's own choice; 'lingen info' shows it."
        })
final class GenerateCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "PROMPT",
            description = "What the video shows; not with --prompt-file, and not needed with --like.")
    private @Nullable String prompt;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "out.mp4",
            description = "The file to write, replaced if it exists (default: ${DEFAULT-VALUE}).")
    private Path output;

    @Option(
            names = "--model",
            paramLabel = "DIR|nano",
            description = "A model folder, or the embedded model (default: nano).")
    private @Nullable String model;

    @Mixin
    private RequestOptions request;

    @Option(
            names = "--like",
            paramLabel = "FILE",
            description = "Makes a video again, by what it or its .json says; other options override that.")
    private @Nullable Path likeFile;

    @Mixin
    private BatchOptions batch;

    @Mixin
    private LatentOptions latents;

    @Option(
            names = "--precision",
            paramLabel = "bf16|f32",
            converter = ComputeOptions.Precision.class,
            description = "Of products and activations (default: bf16).")
    private @Nullable DType precision;

    @Option(
            names = "--as-written",
            description = "Encode the prompt as it is written, not in the words that the model knows better.")
    private boolean asWritten;

    @Mixin
    private ComputeOptions compute;

    @Option(names = "--json", description = "Prints a line of JSON for each video on standard output.")
    private boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "Show errors only.")
    private boolean quiet;

    @Mixin
    private LogLevel logLevel;

    @Override
    public Integer call() throws IOException {
        Progress progress = new Progress(spec.commandLine().getErr(), Progress.detect(quiet));
        check(latents::check);
        if (latents.areGiven()) {
            return resume(progress);
        }
        RecordedVideo like = likeFile == null ? null : checked(() -> RecordedVideo.read(likeFile));
        VideoRequest asked = checked(() -> request(like));
        PipelineOptions options = checked(() -> options(like));
        String source = checked(() -> model != null ? model : like != null ? like.model() : TextToVideoPipeline.NANO);
        if (!batch.isBatch()) {
            check(() -> VideoWriters.check(
                    output, TextToVideoPipeline.plan(source, asked).format()));
        }
        VideoWriters.requireWritable(batch.isBatch() ? Batch.target(output, 1) : output);
        return run(source, options, progress, run -> {
            if (like != null) {
                like.compare(run.pipeline(), model != null, progress);
            }
            if (!batch.isBatch()) {
                run.make(asked, output);
                return 0;
            }
            return runBatch(like, asked, run) ? 0 : 1;
        });
    }

    private int resume(Progress progress) throws IOException {
        ParseResult given = spec.commandLine().getParseResult();
        SavedLatents saved = checked(() -> SavedLatents.read(latents, given));
        PipelineOptions options = checked(() -> saved.options(compute, precision));
        String source = checked(() -> model != null ? model : saved.model());
        Path target = given.hasMatchedOption("--output") ? output : saved.video();
        check(() -> VideoWriters.check(target));
        VideoWriters.requireWritable(target);
        return run(source, options, progress, run -> {
            run.make(saved, target);
            return 0;
        });
    }

    /** What is done with a loaded model. */
    @FunctionalInterface
    private interface Job {
        int run(VideoRun run) throws IOException;
    }

    private int run(String source, PipelineOptions options, Progress progress, Job job) throws IOException {
        check(() -> Backends.requireKnown(options.backend()));
        PrintWriter err = spec.commandLine().getErr();
        progress.say("loading    " + source);
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(source, options);
                Interruption interruption = Interruption.listen(err)) {
            progress.say("backend    " + pipeline.backend().description());
            JsonLines lines = new JsonLines(spec.commandLine().getOut(), json);
            return job.run(new VideoRun(pipeline, progress, lines, latents, interruption));
        } catch (GenerationCancelledException e) {
            return Interruption.report(e, err, batch.isBatch());
        }
    }

    private boolean runBatch(@Nullable RecordedVideo like, VideoRequest asked, VideoRun run) throws IOException {
        Path file = batch.promptFile();
        if (file == null) {
            PromptLine line = PromptLine.of("", asked);
            return new Batch(
                            action -> action.accept(line),
                            batch,
                            output,
                            run,
                            spec.commandLine().getErr())
                    .run();
        }
        try (PromptFile prompts = PromptFile.open(file, prompt -> builder(like, prompt))) {
            return new Batch(prompts, batch, output, run, spec.commandLine().getErr()).run();
        }
    }

    /** What the options ask for; with a prompt file they are checked with a prompt that stands for those of the file. */
    private VideoRequest request(@Nullable RecordedVideo like) throws IOException {
        VideoWriters.check(output);
        batch.check(prompt);
        if (prompt == null && like == null && batch.promptFile() == null) {
            throw new IllegalArgumentException("Missing required parameter: 'PROMPT', or --prompt-file or --like");
        }
        return builder(like, prompt == null && like == null ? "a prompt of the file" : prompt)
                .build();
    }

    private VideoRequest.Builder builder(@Nullable RecordedVideo like, @Nullable String text) {
        VideoRequest.Builder builder = like == null ? VideoRequest.builder("") : like.request().toBuilder();
        return request.applyTo(text == null ? builder : builder.prompt(text));
    }

    private PipelineOptions options(@Nullable RecordedVideo like) {
        new BackendOptions(compute.threads());
        DType asked = precision != null ? precision : like != null ? like.precision() : DType.BF16;
        String backend = compute.isBackendGiven() || like == null ? compute.backend() : like.backend();
        // What was encoded then is encoded again, whether it had been rewritten or not.
        boolean again = like != null && prompt == null && batch.promptFile() == null;
        PromptRewriter rewriter = asWritten || again ? PromptRewriter.IDENTITY : null;
        return new PipelineOptions(backend, asked, compute.threads(), rewriter);
    }

    private void check(Runnable step) throws IOException {
        checked(Executors.callable(step));
    }

    /** Everything that can be wrong with the options is, before the weights are loaded. */
    private <T> T checked(Callable<T> step) throws IOException {
        try {
            return step.call();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
