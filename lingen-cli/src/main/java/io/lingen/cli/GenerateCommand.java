package io.lingen.cli;

import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoOutput;
import io.lingen.VideoRequest;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lingen generate}: makes a video from a prompt. */
@Command(
        name = "generate",
        header = {"Make a video from a prompt.", ""},
        customSynopsis = {
            "lingen generate PROMPT [-o FILE] [OPTIONS]",
            "       lingen generate --label N [-o FILE] [OPTIONS]",
            "       lingen generate --model DIR [-o FILE] [OPTIONS]",
            "       lingen generate [PROMPT] --like FILE [-o FILE] [OPTIONS]"
        },
        description = {
            "",
            "The extension of the output selects the format: .mp4, .webm, .webp, .gif, or none for a folder of PNG frames. The"
                    + " sidecar, a JSON file with the name of the video, records how the video was made.",
            "",
            "'lingen info' lists the sizes, lengths and samplers of the model, and its defaults.",
            ""
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        footer = {
            "",
            "Examples:",
            "  lingen generate \"a red circle moves to the right over a night sky\" -o out.mp4",
            "  lingen generate \"a small blue ring turns green\" --seconds 34 --seed 7",
            "  lingen generate \"a yellow star spins\" --steps 8 --guidance 1 -q -o star.webp",
            "  lingen generate \"a yellow star spins\" --count 4 -o star.mp4",
            "  lingen generate --like out.mp4 -o again.mp4"
        })
final class GenerateCommand implements Callable<Integer> {
    @Parameters(
            arity = "0..1",
            paramLabel = "PROMPT",
            description =
                    "Prompt: what the video should show, in quotation marks. Required, unless --label replaces it, --like"
                            + " takes the recorded one, or the model is unconditional.")
    private @Nullable String prompt;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "out.mp4",
            description = "Video to write (default: ${DEFAULT-VALUE}). With --count, the names are numbered, from"
                    + " out-0001.mp4.")
    private Path output;

    @Mixin
    private CountOption count;

    @Mixin
    private VideoOptions video;

    @Mixin
    private OutputOptions outputs;

    @Mixin
    private LatentOptions latents;

    @Mixin
    private GenerateAliases aliases;

    @Mixin
    private Console console;

    @Override
    public Integer call() throws IOException {
        console.check(latents::check);
        if (aliases.resumed() != null) {
            return aliases.resume(console, aliases.resumed(), output, video, outputs, latents);
        }
        if (aliases.decoded() != null) {
            return aliases.decode(console, aliases.decoded(), output, video, outputs);
        }
        console.check(this::check);
        ResolvedOptions resolved = console.checked(video::resolve);
        console.warn(video.ineffectiveOptions(prompt == null && aliases.promptFile() == null));
        if (aliases.promptFile() == null && !count.isGiven() && aliases.shard() == null) {
            return generate(resolved);
        }
        Shard shard = aliases.shard() == null ? Shard.ALL : aliases.shard();
        Batch batch = new Batch(console, resolved, outputs, latents, count.count(), shard, output);
        return aliases.promptFile() == null ? batch.ofPrompt(prompt) : batch.ofFile(aliases.promptFile());
    }

    private void check() {
        VideoWriters.check(output);
        count.check();
        if (prompt != null && aliases.promptFile() != null) {
            throw new IllegalArgumentException(
                    "prompt must be given either on the command line or by --prompt-file, found both");
        }
        boolean hasCondition = prompt != null
                || aliases.promptFile() != null
                || video.request().hasLabel();
        // A model folder may be unconditional, which its index states.
        if (!hasCondition && !video.isLikeGiven() && video.model() == null) {
            throw new IllegalArgumentException("prompt must be given, found none; add PROMPT, --like or --label");
        }
    }

    private int generate(ResolvedOptions resolved) throws IOException {
        VideoRequest request = console.checked(() -> resolved.request(prompt).build());
        PipelineOptions options = console.checked(() -> resolved.pipelineOptions(prompt == null));
        String model = console.checked(resolved::model);
        console.check(() -> VideoWriters.check(
                output, TextToVideoPipeline.plan(model, options, request).format()));
        VideoOutput target = console.checked(() -> outputs.of(output));
        target.requireWritable();
        return ModelSession.run(console, model, options, false, run -> {
            resolved.compare(run);
            run.warnOfUnknownWords(request);
            run.generate(request, target, latents);
            return 0;
        });
    }
}
