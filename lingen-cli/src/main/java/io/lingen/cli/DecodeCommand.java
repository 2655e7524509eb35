package io.lingen.cli;

import io.lingen.core.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lingen decode}: decodes saved latents without further steps. */
@Command(
        name = "decode",
        header = {"Decode saved latents without further steps.", ""},
        customSynopsis = "lingen decode FILE -o FILE [OPTIONS]",
        description = {
            "",
            "The video of incomplete latents shows their remaining noise. Any model with the same number of latent channels can decode"
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

    @Option(
            names = "--precision",
            paramLabel = "bf16|f32",
            converter = PrecisionOption.Converter.class,
            description = "Precision of matrix products and activations (default: the recorded precision).")
    private @Nullable DType precision;

    @Option(
            names = "--backend",
            paramLabel = "auto|cpu|nd4j|cuda",
            description =
                    "Compute backend; auto selects the best one that 'lingen info' lists (default: the recorded backend).")
    private @Nullable String backend;

    @Mixin
    private ThreadOption threads;

    @Mixin
    private Console console;

    @Override
    public Integer call() throws IOException {
        return saved.read(console).decode(saved.model(), output, backend, precision, threads.threads(), outputs);
    }
}
