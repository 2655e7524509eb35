package io.lingen.core.nd4j;

import io.lingen.core.BackendOptions;
import io.lingen.core.spi.BackendProvider;
import io.lingen.core.spi.Kernels;
import java.util.ServiceConfigurationError;

/** Makes backends of ND4J; available when nd4j-native or nd4j-cuda is on the class path and its natives load. Thread-safe. */
public final class Nd4jBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return Nd4jKernels.NAME;
    }

    @Override
    public int priority() {
        return 10;
    }

    @Override
    public Availability availability() {
        // Nothing of ND4J may be named in this class: it has to load where ND4J is missing.
        try {
            return Nd4jRuntime.availability();
        } catch (LinkageError | ServiceConfigurationError e) {
            return new Availability(
                    false,
                    "ND4J is not on the class path or its natives don't load (" + e
                            + "); add org.nd4j:nd4j-native with the classifier of this platform");
        }
    }

    @Override
    public Kernels create(BackendOptions options) {
        Availability availability = availability();
        if (!availability.available()) {
            throw new IllegalStateException(availability.detail());
        }
        return new Nd4jKernels(options);
    }
}
