package io.lingen.cli;

import io.lingen.TextToVideoPipeline;
import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.ModelSignature;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lingen parity}: compares one denoiser pass with the tensors of another implementation. */
@Command(
        name = "parity",
        header = {"Compare one denoiser pass with another implementation.", ""},
        customSynopsis = "lingen parity --model DIR --fixture FILE [OPTIONS]",
        description = {
            "",
            "Runs the denoiser on the inputs of a fixture and prints the error of each expected tensor. Needs the model's transformer"
                    + " folder only. Exits with 1 if an error exceeds the tolerance.",
            ""
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        footer = {
            "",
            "The fixture is a safetensors file:",
            "  inputs    latent [C,T,H,W], t [1], text.{i} [L,dim], optional text_mask.{i} [L]",
            "  expected  velocity [C,T,H,W], optional tap.NAME (docs/checkpoint-format.md)",
            "",
            "Examples:",
            "  lingen parity --model my-model --fixture pass.safetensors",
            "  lingen parity --model my-model --fixture pass.safetensors --backend nd4j"
        })
final class ParityCommand implements Callable<Integer> {
    private static final String DEFAULT_COMPONENT = "transformer";

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "The model folder.")
    private String model;

    @Option(names = "--fixture", required = true, paramLabel = "FILE", description = "The safetensors fixture.")
    private Path fixture;

    @Mixin
    private ComputeOptions compute;

    @Option(
            names = "--precision",
            paramLabel = "f32|bf16",
            defaultValue = "f32",
            converter = PrecisionOption.Converter.class,
            description = "Precision of matrix products and activations (default: ${DEFAULT-VALUE}).")
    private DType precision;

    @Option(
            names = "--tolerance",
            paramLabel = "X",
            description = "Largest accepted relative L2 error (default: 1e-5 in f32, 2e-2 in bf16).")
    private @Nullable Double tolerance;

    @Option(
            names = "--output",
            paramLabel = "FILE",
            description = "Write the computed tensors to a new safetensors file.")
    private @Nullable Path output;

    @Mixin
    private LogLevel logLevel;

    @Override
    public Integer call() throws IOException {
        double bound = tolerance == null ? ParityCheck.defaultTolerance(precision) : tolerance;
        requireNewOutput();
        ParityCheck.Result result = run();
        Path file = output;
        if (file != null) {
            SafetensorsWriter.write(file, result.computed(), Map.of());
        }
        boolean passed = result.worst() <= bound;
        print(spec.commandLine().getOut(), result, bound, passed);
        return passed ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    /** An existing file may be a fixture or a model. */
    private void requireNewOutput() throws FileAlreadyExistsException {
        if (output != null && Files.exists(output, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(
                    output.toString(), null, "the file exists; remove it or name another one with --output");
        }
    }

    private ParityCheck.Result run() {
        try (ModelSource source = TextToVideoPipeline.source(model);
                SafetensorsFile expected = SafetensorsFile.open(fixture);
                Backend backend = Backends.create(compute.backend(), new BackendOptions(compute.threads()));
                Denoiser denoiser = load(source, backend)) {
            if (compute.areThreadsGiven() && backend.name().equals("cuda")) {
                spec.commandLine().getErr().println("warning    --threads has no effect on the backend cuda");
            }
            return ParityCheck.run(denoiser, expected);
        }
    }

    private Denoiser load(ModelSource source, Backend backend) {
        return source.exists(ModelSignature.FILE)
                ? ModelFamilies.open(source).loadDenoiser(backend, precision)
                : VideoTransformer.load(source, DEFAULT_COMPONENT, backend, precision);
    }

    private static void print(PrintWriter out, ParityCheck.Result result, double bound, boolean passed) {
        int width = result.comparisons().stream()
                .mapToInt(comparison -> comparison.name().length())
                .max()
                .orElse(0);
        out.printf("%-" + width + "s  %12s  %12s%n", "tensor", "max abs", "relative L2");
        for (ParityCheck.Comparison comparison : result.comparisons()) {
            out.printf(
                    Locale.ROOT,
                    "%-" + width + "s  %12.3e  %12.3e%s%n",
                    comparison.name(),
                    comparison.maxAbsoluteError(),
                    comparison.relativeError(),
                    comparison.relativeError() <= bound ? "" : "  beyond the tolerance");
        }
        out.printf(Locale.ROOT, "%s: tolerance %.1e%n", passed ? "passed" : "failed", bound);
        out.flush();
    }
}
