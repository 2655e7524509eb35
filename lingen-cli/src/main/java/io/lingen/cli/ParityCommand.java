package io.lingen.cli;

import io.lingen.TextToVideoPipeline;
import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.diffusion.ParityCheck;
import io.lingen.internal.parity.ModelParity;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ParityPart;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lingen parity}: compares the parts of a model with the tensors of another implementation. */
@Command(
        name = "parity",
        header = {"Compare a model with another implementation, part by part.", ""},
        customSynopsis = "lingen parity --model DIR --fixture FILE [OPTIONS]",
        description = {
            "",
            "Verify that a checkpoint was ported correctly. A fixture contains inputs and expected outputs of parts of the model, computed"
                    + " by the other implementation. These parts are run on the inputs, and the error of each output is"
                    + " printed. Only their folders are needed. The exit code is 1 if an error exceeds the tolerance.",
            ""
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        footer = {
            "",
            "Tensors of a fixture (docs/checkpoint-format.md defines them):",
            "  one pass   latent, t, text.{i} -> velocity, tap.NAME",
            "  parts      text.*, transformer.*, lora.*, vae.*, pipeline.*",
            "  samplers   NAME.sample, NAME.outputs -> NAME.samples",
            "",
            "Examples:",
            "  lingen parity --model my-model --fixture pass.safetensors",
            "  lingen parity --model my-model --fixture pass.safetensors --backend nd4j"
        })
final class ParityCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Model folder.")
    private String model;

    @Option(
            names = "--fixture",
            required = true,
            paramLabel = "FILE",
            description = "Fixture, a safetensors file of inputs and expected outputs.")
    private Path fixture;

    @Mixin
    private ModelFileOptions modelFiles;

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
            description =
                    "Largest accepted relative L2 error (default: 1e-5 in f32, 3e-5 for complete runs in f32, 3e-2 in bf16).")
    private @Nullable Double tolerance;

    @Option(
            names = "--output",
            paramLabel = "FILE",
            description = "New safetensors file for the computed tensors (default: none).")
    private @Nullable Path output;

    @Mixin
    private LogLevel logLevel;

    @Override
    public Integer call() throws IOException {
        requireNewOutput();
        ModelOptions options = modelFiles.options();
        try (ModelSource source = options.applyTo(TextToVideoPipeline.source(model));
                SafetensorsFile expected = SafetensorsFile.open(fixture)) {
            ModelParity parity = ModelParity.of(source, options);
            List<ParityPart> parts = parity.in(expected);
            ParityReport report = new ParityReport(spec.commandLine().getOut(), expected);
            Set<String> used = run(parts, expected, report);
            if (!report.hasErrors()) {
                report.skip(parity.unused(expected, used));
            }
            return report.end() ? ExitCode.OK : ExitCode.SOFTWARE;
        }
    }

    /** Requires that the output does not exist, because an existing file may be a fixture or a model. */
    private void requireNewOutput() throws FileAlreadyExistsException {
        if (output != null && Files.exists(output, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(
                    output.toString(),
                    null,
                    "the output must be a new file, found an existing one; remove it, or use another --output");
        }
    }

    /** Runs the parts of a fixture; returns the names of the tensors that they used. */
    private Set<String> run(List<ParityPart> parts, SafetensorsFile expected, ParityReport report) {
        Set<String> used = new HashSet<>();
        Map<String, HostTensor> computed = new LinkedHashMap<>();
        try (Backend backend = Backends.create(compute.backend(), new BackendOptions(compute.threads()))) {
            if (compute.areThreadsGiven() && backend.name().equals("cuda")) {
                spec.commandLine().getErr().println("warning    --threads has no effect on the backend cuda");
            }
            for (ParityPart part : parts) {
                ParityCheck check =
                        new ParityCheck(expected, fixture.toAbsolutePath().getParent(), backend);
                try {
                    part.run(check, precision);
                    check.end();
                } catch (CheckpointException | IllegalArgumentException | OutOfMemoryException e) {
                    // Continue with the other parts.
                    ErrorReport.failure(e, spec.commandLine());
                    report.fail(part.name());
                }
                report.add(part.name(), tolerance == null ? part.tolerance(precision) : tolerance, check.result());
                used.addAll(check.used());
                computed.putAll(check.result().computed());
            }
        }
        if (output != null) {
            SafetensorsWriter.write(output, computed, Map.of());
        }
        return used;
    }
}
