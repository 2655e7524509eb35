package io.lingen.internal.family;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.internal.Denoisers;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamily;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ModelSignature;

/** The family of LinGen models, whose index has {@code "format": "lingen"}. */
public final class LinGenFamily implements ModelFamily {
    /** The value of {@code format}, and of {@code family} if the index has that field. */
    static final String NAME = "lingen";

    /** Creates the family, for {@link java.util.ServiceLoader}. */
    public LinGenFamily() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public boolean recognizes(ModelSignature signature) {
        return NAME.equals(signature.format()) && (signature.family() == null || NAME.equals(signature.family()));
    }

    @Override
    public ModelDescription open(ModelSource source, ModelOptions options) {
        options.requireNone(NAME);
        ModelFolder folder = new ModelFolder(source, ModelIndex.read(source));
        String transformer = folder.index().transformerOrNull();
        return transformer != null && Denoisers.isLatte(source, transformer)
                ? new LatteModel(folder)
                : new LinGenModel(folder);
    }
}
