package io.lingen.sana.internal;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.internal.diffusers.DiffusersFolder;
import io.lingen.internal.diffusers.DiffusersIndex;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamily;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ModelSignature;
import java.util.List;
import java.util.Map;

/** The family of SANA-Video's text-to-video models, in the folder layout of diffusers. */
public final class SanaFamily implements ModelFamily {
    private static final String PIPELINE = "SanaVideoPipeline";

    /** Pipelines that need parts of a model that are not implemented. */
    private static final Map<String, String> UNSUPPORTED = Map.of(
            "SanaImageToVideoPipeline", "image-to-video",
            "LongSanaVideoPipeline", "LongSANA, which generates a few frames at a time",
            "SanaPipeline", "text-to-image",
            "SanaSprintPipeline", "text-to-image");

    /** Creates the family. Called by {@link java.util.ServiceLoader}. */
    public SanaFamily() {}

    @Override
    public String name() {
        return "sana";
    }

    /** Recognizes every class whose name begins with "Sana" or "LongSana". For unsupported classes, {@link #open} explains the reason. */
    @Override
    public boolean recognizes(ModelSignature signature) {
        String name = signature.className();
        return name != null && (name.startsWith("Sana") || name.startsWith("LongSana"));
    }

    @Override
    public ModelDescription open(ModelSource source, ModelOptions options) {
        DiffusersIndex index = DiffusersIndex.read(source);
        index.requirePipeline(List.of(PIPELINE), UNSUPPORTED);
        index.requireClass(DiffusersFolder.TRANSFORMER, "SanaVideoTransformer3DModel");
        index.requireClass(DiffusersFolder.VAE, "AutoencoderKLWan");
        index.requireClass(DiffusersFolder.TEXT_ENCODER, "Gemma2Model");
        return new SanaModel(source, options);
    }
}
