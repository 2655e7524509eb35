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
            "Loads the model once. A video that fails does not stop the others. Run the command again to complete a batch: complete"
                    + " videos are skipped, interrupted ones are resumed.",
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
            description =
                    "A text file with one prompt per line, or a .jsonl file with one request per line: {\"prompt\": .., \"seed\": .., ..}.")
    private Path file;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "out.mp4",
            description =
                    "The file name to number: clip.mp4 gives clip-0001.mp4, clip-0002.mp4, ... (default: ${DEFAULT-VALUE}).")
    private Path output;

    @Mixin
    private CountOption count;

    @Option(
            names = "--shard",
            paramLabel = "I/N",
            converter = Shard.Converter.class,
            description = "Make only the videos I, I+N, I+2N, ..., to divide a batch among N machines.")
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
