package io.lingen.cli;

import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lingen batch}: makes videos from a file of prompts. */
@Command(
        name = "batch",
        header = {"Make videos from a file of prompts.", ""},
        customSynopsis = "lingen batch FILE [-o FILE] [OPTIONS]",
        description = {
            "",
            "The model is loaded once for all videos. A video that fails does not stop the others. To complete an interrupted batch, run"
                    + " the same command again: it skips complete videos and resumes an interrupted one.",
            ""
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        footer = {
            "",
            "Examples:",
            "  lingen batch prompts.txt -o videos/clip.mp4",
            "  lingen batch prompts.jsonl --count 4 --seconds 4 -o videos/clip.webm",
            "  lingen batch prompts.txt -o videos/clip.mp4 --shard 1/2"
        })
final class BatchCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "FILE",
            description = "Text file with one prompt per line, or .jsonl file with one JSON object per line:"
                    + " {\"prompt\": \"a ring\", \"seed\": 7}. The fields of an object override the options.")
    private Path file;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "out.mp4",
            description =
                    "Name of the videos, to which a number is added: clip.mp4 gives clip-0001.mp4 and so on (default:"
                            + " ${DEFAULT-VALUE}).")
    private Path output;

    @Mixin
    private CountOption count;

    @Option(
            names = "--shard",
            paramLabel = "I/N",
            converter = Shard.Converter.class,
            description =
                    "Make only the videos I, I+N, I+2N, ... with I from 1 to N, to divide a batch among N machines (default:"
                            + " 1/1, all videos).")
    private Shard shard = Shard.ALL;

    @Mixin
    private VideoOptions video;

    @Mixin
    private OutputOptions outputs;

    @Mixin
    private LatentOptions latents;

    @Mixin
    private Console console;

    @Override
    public Integer call() throws IOException {
        console.check(latents::check);
        console.check(count::check);
        console.check(() -> VideoWriters.check(output));
        ResolvedOptions resolved = console.checked(video::resolve);
        console.warn(video.ineffectiveOptions(false));
        return new Batch(console, resolved, outputs, latents, count.count(), shard, output).ofFile(file);
    }
}
