package io.lingen.cli;

import io.lingen.ModelIndex;
import io.lingen.SamplingDefaults;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.diffusion.TransformerConfig;
import io.lingen.text.Thesaurus;
import io.lingen.vae.AutoencoderConfig;
import java.io.PrintWriter;
import java.util.Locale;

/** Describes a model: its parts, its defaults and the sizes it makes. */
final class ModelReport {
    private ModelReport() {}

    static void print(PrintWriter out, ModelSource source) {
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

    /** The parameters of a component whose names have a prefix: an autoencoder may hold an encoder, which no video needs. */
    private static String millions(ModelSource source, String component, String prefix) {
        try (SafetensorsFile tensors = source.tensors(component)) {
            long parameters = tensors.names().stream()
                    .filter(name -> name.startsWith(prefix))
                    .mapToLong(name -> tensors.tensor(name).shape().elements())
                    .sum();
            return String.format(Locale.ROOT, "%.1f million", parameters / 1e6);
        }
    }

    static void line(PrintWriter out, String name, String value) {
        out.printf("  %-9s %s%n", name, value);
    }
}
