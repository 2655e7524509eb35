package io.lingen.sana.internal;

import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.internal.ParameterCount;
import io.lingen.internal.diffusers.DiffusersFacts;
import io.lingen.internal.diffusers.DiffusersFolder;
import io.lingen.sana.internal.transformer.SanaTransformerConfig;
import io.lingen.spi.ModelFact;
import java.util.List;
import java.util.Locale;

/** The description of a folder: its complete components and its terms. */
final class SanaFacts {
    private SanaFacts() {}

    static List<ModelFact> of(SanaModel model, DiffusersFolder folder) {
        DiffusersFacts facts = new DiffusersFacts(folder, model.missingFiles());
        facts.addOf(DiffusersFolder.TRANSFORMER, "denoiser", () -> transformer(model, folder));
        facts.addOf(DiffusersFolder.VAE, "decoder", () -> model.autoencoder().description());
        facts.addOf(DiffusersFolder.TEXT_ENCODER, "text", () -> textEncoder(model, folder));
        facts.addLicense();
        facts.add("terms", "NVIDIA Open Model License; text encoder: Gemma Terms of Use");
        return facts.all();
    }

    private static String transformer(SanaModel model, DiffusersFolder folder) {
        SanaTransformerConfig config = model.transformerConfig();
        try (SafetensorsFile file = folder.transformer()) {
            return String.format(
                    Locale.ROOT,
                    "SANA-Video, %d blocks, width %d, %s",
                    config.layers(),
                    config.width(),
                    ParameterCount.of(file, ""));
        }
    }

    private static String textEncoder(SanaModel model, DiffusersFolder folder) {
        try (SafetensorsFile file = folder.source().tensors(DiffusersFolder.TEXT_ENCODER)) {
            return "Gemma 2, width " + model.textWidth() + ", " + ParameterCount.of(file, "");
        }
    }
}
