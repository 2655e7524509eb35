package io.lingen.internal.family;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamily;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ModelSignature;

/** Models with {@code "format": "lingen"}. */
public final class LinGenFamily implements ModelFamily {
    /** The value of {@code format}, and of {@code family} where that is given. */
    static final String NAME = "lingen";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public boolean recognises(ModelSignature signature) {
        return NAME.equals(signature.format()) && (signature.family() == null || NAME.equals(signature.family()));
    }

    @Override
    public ModelDescription open(ModelSource source, ModelOptions options) {
        options.requireNone(NAME);
        return new LinGenModel(source, ModelIndex.read(source));
    }
}
