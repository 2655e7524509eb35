package io.lingen.cli;

import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.core.accounting.HostMemory;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.spi.BackendProvider;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.VideoLimits;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lingen info}: lists backends, describes a model and forecasts the memory of a video. */
@Command(
        name = "info",
        header = {"List backends, describe a model and forecast the memory of a video.", ""},
        customSynopsis = "lingen info [OPTIONS]",
        description = {
            "",
            "Each backend is listed with its device, or with the reason why it is not available. The options from --size to --eta describe"
                    + " the video whose memory is forecast (default: the model's size and length). No video is made.",
            ""
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        footer = {
            "",
            "Examples:",
            "  lingen info",
            "  lingen info --model models/my-model",
            "  lingen info --size 256x256 --seconds 68"
        })
final class InfoCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "DIR|nano",
            defaultValue = TextToVideoPipeline.NANO,
            description = "Model folder, or nano for the embedded model (default: ${DEFAULT-VALUE}).")
    private String model;

    @Mixin
    private ModelFileOptions modelFiles;

    @Mixin
    private OffloadOption offload;

    @Mixin
    private RequestOptions video;

    @Option(
            names = "--precision",
            paramLabel = "bf16|f32",
            defaultValue = "bf16",
            converter = PrecisionOption.Converter.class,
            description =
                    "Precision of matrix products and activations. f32 is more exact, bf16 is faster and needs half the memory"
                            + " (default: ${DEFAULT-VALUE}).")
    private DType precision;

    @Mixin
    private ComputeOptions compute;

    @Mixin
    private LogLevel logLevel;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        out.println("lingen " + Version.text());
        ModelReport.line(out, "Java", Runtime.version() + ", " + System.getProperty("java.vm.name"));
        ModelReport.line(
                out,
                "System",
                System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                        + Runtime.getRuntime().availableProcessors() + " processors, "
                        + gigabytes(HostMemory.availableBytes()) + " of memory available");
        out.println();
        out.println("Backends, best first");
        for (BackendProvider provider : Backends.providers()) {
            BackendProvider.Availability availability = provider.availability();
            ModelReport.line(
                    out, provider.name(), (availability.available() ? "" : "not available: ") + availability.detail());
        }
        out.println();
        ModelOptions files = modelFiles.options();
        try (ModelSource source = files.applyTo(TextToVideoPipeline.source(model))) {
            ModelDescription description = ModelFamilies.open(source, files);
            if (!ModelReport.print(out, source.name(), description)) {
                out.flush();
                return ExitCode.SOFTWARE;
            }
            if (description.limits().nativeSize() != null || !video.isEmpty()) {
                forecast(out, description.limits());
            }
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        out.flush();
        return 0;
    }

    private void forecast(PrintWriter out, VideoLimits limits) {
        VideoRequest any = limits.prompts()
                ? VideoRequest.of("any prompt")
                : limits.labels() > 0 ? VideoRequest.ofLabel(0) : VideoRequest.unconditional();
        VideoRequest request = video.applyTo(any.toBuilder()).build();
        PipelineOptions options = PipelineOptions.defaults()
                .withBackend(compute.backend())
                .withPrecision(precision)
                .withThreads(compute.threads())
                .withModel(modelFiles.options())
                .withOffload(offload.offload());
        MemoryReport.print(out, model, request, options);
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
}
