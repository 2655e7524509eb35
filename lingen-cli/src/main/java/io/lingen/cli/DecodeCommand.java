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
        header = {"Decode saved latents into a video, without further steps.", ""},
        customSynopsis = "lingen decode FILE -o FILE [OPTIONS]",
        description = {
            "",
            "'lingen generate' saves latents, the state of a video before it is decoded. Latents saved before the last step still"
                    + " contain noise, which the video shows. Another model can decode them if its latents have the same"
                    + " number of channels.",
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
            description = "Video to write. Its extension selects the format, as in 'lingen generate'.")
    private Path output;

    @Mixin
    private OutputOptions outputs;

    @Option(
            names = "--precision",
            paramLabel = "bf16|f32",
            converter = PrecisionOption.Converter.class,
            description =
                    "Precision of matrix products and activations. f32 is more exact, bf16 is faster and needs half the memory"
                            + " (default: the recorded precision).")
    private @Nullable DType precision;

    @Option(
            names = "--backend",
            paramLabel = "auto|cpu|nd4j|cuda",
            description =
                    "Compute backend: cpu, cuda (NVIDIA GPU), nd4j (slow reference), or auto for the first available one that"
                            + " 'lingen info' lists (default: the recorded backend).")
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
