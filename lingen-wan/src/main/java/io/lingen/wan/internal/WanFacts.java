package io.lingen.wan.internal;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.internal.SafeText;
import io.lingen.internal.ParameterCount;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelFact;
import io.lingen.wan.internal.transformer.WanTransformerConfig;
import io.lingen.wan.internal.vae.WanVaeConfig;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The description of a folder: its complete components and its license. */
final class WanFacts {
    private static final List<String> LICENSES = List.of("LICENSE", "LICENSE.txt", "LICENSE.md");
    private static final int MAX_LICENSE_BYTES = 1 << 20;

    private final WanModel model;
    private final ModelSource source;
    private final List<ModelFact> facts = new ArrayList<>();

    private WanFacts(WanModel model, ModelSource source) {
        this.model = model;
        this.source = source;
    }

    static List<ModelFact> of(WanModel model, ModelSource source) {
        WanFacts facts = new WanFacts(model, source);
        MissingFiles missing = model.missingFiles();
        if (!missing.affects(WanModel.TRANSFORMER)) {
            facts.add("denoiser", facts.transformer());
        }
        if (!missing.affects(WanModel.VAE)) {
            facts.add("decoder", facts.decoder());
        }
        if (!missing.affects(WanModel.TEXT_ENCODER)) {
            facts.add("text", facts.textEncoder());
        }
        facts.license();
        return facts.facts;
    }

    private void add(String name, String text) {
        facts.add(new ModelFact(name, text));
    }

    private String transformer() {
        WanTransformerConfig config = model.transformerConfig();
        try (SafetensorsFile file = model.transformerFile()) {
            return String.format(
                    Locale.ROOT,
                    "Wan, %d blocks, width %d, %s%s%s",
                    config.layers(),
                    config.width(),
                    ParameterCount.of(file, ""),
                    model.isGated() ? ", gated attention among tiles" : "",
                    model.isDistilled() ? ", distilled to a few steps" : "");
        }
    }

    private String decoder() {
        WanVaeConfig config = model.vaeConfig();
        try (SafetensorsFile file = source.tensors(WanModel.VAE)) {
            return String.format(
                    Locale.ROOT,
                    "compression %dx%dx%d, %d channels, %s",
                    config.temporalCompression(),
                    config.spatialCompression(),
                    config.spatialCompression(),
                    config.latentChannels(),
                    ParameterCount.of(file, "decoder."));
        }
    }

    private String textEncoder() {
        try (SafetensorsFile file = source.tensors(WanModel.TEXT_ENCODER)) {
            return "UMT5, width " + model.textWidth() + ", " + ParameterCount.of(file, "");
        }
    }

    /** The first line of the license, if the folder has one. */
    private void license() {
        for (String path : LICENSES) {
            if (source.exists(path)) {
                String text = new String(source.read(path, MAX_LICENSE_BYTES), StandardCharsets.UTF_8);
                text.lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty())
                        .findFirst()
                        .ifPresent(line -> add("license", SafeText.of(line) + " (" + path + ")"));
                return;
            }
        }
    }
}
