package io.lingen.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lingen resume}: takes the remaining steps of an interrupted video. */
@Command(
        name = "resume",
        header = {"Resume an interrupted video.", ""},
        customSynopsis = "lingen resume FILE [-o FILE] [OPTIONS]",
        description = {
            "",
            "Take the remaining sampling steps from the saved latents and write the video. It is identical to that of an"
                    + " uninterrupted run, because request, backend and precision are those that the latents record.",
            ""
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        footer = {
            "",
            "Examples:",
            "  lingen resume out.mp4",
            "  lingen resume out.latents.safetensors -o other.mp4 --keep-latents"
        })
final class ResumeCommand implements Callable<Integer> {
    @Mixin
    private SavedLatentsOptions saved;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Video to write (default: the recorded name, in the folder of the latents).")
    private @Nullable Path output;

    @Mixin
    private OffloadOption offload;

    @Mixin
    private OutputOptions outputs;

    @Mixin
    private LatentOptions latents;

    @Mixin
    private ThreadOption threads;

    @Mixin
    private TextCacheOption textCache;

    @Mixin
    private Console console;

    @Override
    public Integer call() throws IOException {
        console.check(latents::check);
        return saved.read(console)
                .resume(
                        saved.model(),
                        output,
                        threads.threads(),
                        textCache.folder(),
                        offload.offload(),
                        outputs,
                        latents);
    }
}
