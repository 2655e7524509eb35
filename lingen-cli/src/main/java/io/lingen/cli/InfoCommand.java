package io.lingen.cli;

import io.lingen.ModelIndex;
import io.lingen.PipelineOptions;
import io.lingen.SamplingDefaults;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.core.accounting.HostMemory;
import io.lingen.core.backend.BackendProvider;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.diffusion.TransformerConfig;
import io.lingen.text.Thesaurus;
import io.lingen.vae.AutoencoderConfig;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lingen info}: what there is to compute with, and what a model is. */
@Command(
        name = "info",
        description = "Shows backends, devices, the facts of a model and what a video takes of memory.",
        mixinStandardHelpOptions = true,
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
            description = "A model folder, or the embedded model (default: ${DEFAULT-VALUE}).")
    private String model;

    @Mixin
    private RequestOptions video;

    @Option(
            names = "--precision",
            paramLabel = "bf16|f32",
            defaultValue = "bf16",
            converter = ComputeOptions.Precision.class,
            description = "Of the video whose memory is forecast (default: ${DEFAULT-VALUE}).")
    private DType precision;

    @Mixin
    private ComputeOptions compute;

    @Mixin
    private LogLevel logLevel;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        out.println("lingen " + Version.text());
        line(out, "Java", Runtime.version() + ", " + System.getProperty("java.vm.name"));
        line(
                out,
                "System",
                System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                        + Runtime.getRuntime().availableProcessors() + " processors, "
                        + gigabytes(HostMemory.availableBytes()) + " of memory available");
        out.println();
        out.println("Backends, the best first");
        for (BackendProvider provider : Backends.providers()) {
            BackendProvider.Availability availability = provider.availability();
            line(out, provider.name(), (availability.available() ? "" : "not available: ") + availability.detail());
        }
        out.println();
        try (ModelSource source = TextToVideoPipeline.source(model)) {
            describe(out, source);
            if (ModelIndex.read(source).nativeSize() != null || video.hasSizeOrLength()) {
                forecast(out);
            }
        }
        out.flush();
        return 0;
    }

    private void forecast(PrintWriter out) {
        try {
            VideoRequest request =
                    video.applyTo(VideoRequest.builder("any prompt")).build();
            PipelineOptions options = PipelineOptions.defaults()
                    .withBackend(compute.backend())
                    .withPrecision(precision)
                    .withThreads(compute.threads());
            MemoryReport.print(out, model, request, options);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private static void describe(PrintWriter out, ModelSource source) {
        ModelIndex index = ModelIndex.read(source);
        TransformerConfig transformer = TransformerConfig.read(source.config(index.transformer() + "/config.json"));
        AutoencoderConfig autoencoder = AutoencoderConfig.read(source.config(index.vae() + "/config.json"));
        SamplingDefaults sampling = SamplingDefaults.read(source, index.scheduler());
        out.println("Model " + source.name());
        line(
                out,
                "denoiser",
                String.format(
                        Locale.ROOT,
                        "%s, %d blocks, width %d, %s parameters",
                        transformer.architecture().name().toLowerCase(Locale.ROOT),
                        transformer.depth(),
                        transformer.hiddenSize(),
                        millions(source, index.transformer(), "")));
        line(
                out,
                "decoder",
                String.format(
                        Locale.ROOT,
                        "compression %dx%dx%d, %d channels, %s parameters",
                        autoencoder.compression(0),
                        autoencoder.compression(1),
                        autoencoder.compression(2),
                        autoencoder.latentChannels(),
                        millions(source, index.vae(), "decoder.")));
        line(out, "text", String.join(", ", index.textEncoders()) + ", widths " + transformer.textDims());
        if (index.thesaurus() != null) {
            line(
                    out,
                    "thesaurus",
                    Thesaurus.read(source, index.thesaurus()).size() + " words are read as ones it knows");
        }
        line(
                out,
                "sampler",
                String.format(
                        Locale.ROOT,
                        "%s, %d steps, guidance %s%s",
                        sampling.schedule(),
                        sampling.steps(),
                        Progress.number(sampling.guidance()),
                        sampling.eta() == 0 ? "" : ", eta " + Progress.number(sampling.eta())));
        ModelIndex.NativeSize size = index.nativeSize();
        if (size != null) {
            line(
                    out,
                    "native",
                    String.format(
                            Locale.ROOT,
                            "%dx%d, %s s at %d fps",
                            size.width(),
                            size.height(),
                            Progress.number(size.seconds()),
                            index.fps()));
        }
        int unitT = autoencoder.compression(0) * transformer.patchSize().t();
        int unitH = autoencoder.compression(1) * transformer.patchSize().h();
        int unitW = autoencoder.compression(2) * transformer.patchSize().w();
        line(
                out,
                "makes",
                String.format(
                        Locale.ROOT,
                        "widths in steps of %d up to %d, heights of %d up to %d, frames of %d up to %d",
                        unitW,
                        unitW * transformer.maxGrid().w(),
                        unitH,
                        unitH * transformer.maxGrid().h(),
                        unitT,
                        unitT * transformer.maxGrid().t()));
    }

    /** Parameters of a component whose names begin so: beside a decoder there may be an encoder, which no video needs. */
    private static String millions(ModelSource source, String component, String prefix) {
        try (SafetensorsFile tensors = source.tensors(component)) {
            long parameters = tensors.names().stream()
                    .filter(name -> name.startsWith(prefix))
                    .mapToLong(name -> tensors.tensor(name).shape().elements())
                    .sum();
            return String.format(Locale.ROOT, "%.1f million", parameters / 1e6);
        }
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }

    private static void line(PrintWriter out, String name, String value) {
        out.printf("  %-9s %s%n", name, value);
    }
}
