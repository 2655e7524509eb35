package io.lingen.wan.internal;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamily;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ModelSignature;

/** The family of the text-to-video models of Wan 2.1 and 2.2, in the folder layout of diffusers. */
public final class WanFamily implements ModelFamily {
    /** Creates the family. Called by {@link java.util.ServiceLoader}. */
    public WanFamily() {}

    @Override
    public String name() {
        return "wan";
    }

    /** Recognizes every class whose name begins with "Wan". For unsupported classes, {@link #open} explains the reason. */
    @Override
    public boolean recognizes(ModelSignature signature) {
        String name = signature.className();
        return name != null && name.startsWith("Wan");
    }

    @Override
    public ModelDescription open(ModelSource source, ModelOptions options) {
        return new WanModel(source, options, WanIndex.read(source));
    }
}
