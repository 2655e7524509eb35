package io.lingen.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lingen decode}: turns saved latents into a video without further steps. */
@Command(
        name = "decode",
        header = {"Decode saved latents without further steps.", ""},
        customSynopsis = "lingen decode FILE -o FILE [OPTIONS]",
        description = {
            "",
            "Latents of an interrupted video keep their remaining noise. Any model with the same number of latent channels can decode"
                    + " them.",
            ""
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        footer = {
            "",
            "Examples:",
            "  lingen decode out.latents.safetensors -o out.webm",
            "  lingen decode out.mp4 -o preview.mp4 --precision f32"
        })
final class DecodeCommand implements Callable<Integer> {
    @Mixin
    private SavedLatentsOptions saved;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            required = true,
            description = "The video to write.")
    private Path output;

    @Mixin
    private OutputOptions outputs;

    @Mixin
    private PrecisionOption precision;

    @Mixin
    private ComputeOptions compute;

    @Mixin
    private Console console;

    @Override
    public Integer call() throws IOException {
        return saved.read(console).decode(saved.model(), output, compute, precision.precision(), outputs);
    }
}
