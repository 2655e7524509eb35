package io.lingen.wan.internal;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamily;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ModelSignature;

/** Text-to-video models of Wan 2.1 and 2.2 in the folder layout of diffusers. */
public final class WanFamily implements ModelFamily {
    /** Creates the provider, for {@link java.util.ServiceLoader}. */
    public WanFamily() {}

    @Override
    public String name() {
        return "wan";
    }

    /** Recognizes every class of Wan, so that {@link #open} can explain why it does not support some. */
    @Override
    public boolean recognises(ModelSignature signature) {
        String name = signature.className();
        return name != null && name.startsWith("Wan");
    }

    @Override
    public ModelDescription open(ModelSource source, ModelOptions options) {
        return new WanModel(source, options, WanIndex.read(source));
    }
}
