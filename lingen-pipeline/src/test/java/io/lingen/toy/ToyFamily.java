package io.lingen.toy;

import io.lingen.core.checkpoint.ModelSource;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamily;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ModelSignature;

/** Models whose index has the {@code _class_name} ToyVideoPipeline. */
public final class ToyFamily implements ModelFamily {
    static final String CLASS_NAME = "ToyVideoPipeline";

    @Override
    public String name() {
        return "toy";
    }

    @Override
    public boolean recognizes(ModelSignature signature) {
        return CLASS_NAME.equals(signature.className());
    }

    @Override
    public ModelDescription open(ModelSource source, ModelOptions options) {
        options.requireNone(name());
        return new ToyModel(source);
    }
}
