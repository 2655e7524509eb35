package io.lingen.wan.internal;

import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.internal.ParameterCount;
import io.lingen.internal.diffusers.DiffusersFacts;
import io.lingen.internal.diffusers.DiffusersFolder;
import io.lingen.spi.ModelFact;
import io.lingen.wan.internal.transformer.WanTransformerConfig;
import java.util.List;
import java.util.Locale;

/** The description of a folder: its complete components and its license. */
final class WanFacts {
    private WanFacts() {}

    static List<ModelFact> of(WanModel model, DiffusersFolder folder) {
        DiffusersFacts facts = new DiffusersFacts(folder, model.missingFiles());
        facts.addOf(DiffusersFolder.TRANSFORMER, "denoiser", () -> transformer(model, folder));
        facts.addOf(DiffusersFolder.VAE, "decoder", () -> model.autoencoder().description());
        facts.addOf(DiffusersFolder.TEXT_ENCODER, "text", () -> textEncoder(model, folder));
        facts.addLicense();
        return facts.all();
    }

    private static String transformer(WanModel model, DiffusersFolder folder) {
        WanTransformerConfig config = model.transformerConfig();
        try (SafetensorsFile file = folder.transformer()) {
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

    private static String textEncoder(WanModel model, DiffusersFolder folder) {
        try (SafetensorsFile file = folder.source().tensors(DiffusersFolder.TEXT_ENCODER)) {
            return "UMT5, width " + model.textWidth() + ", " + ParameterCount.of(file, "");
        }
    }
}
