package io.lingen.core.nd4j;

import io.lingen.core.BackendOptions;
import io.lingen.core.spi.BackendProvider;
import io.lingen.core.spi.Kernels;
import java.util.ServiceConfigurationError;

/**
 * The provider of the reference backend, named "nd4j". It is available if nd4j-native or nd4j-cuda is on the class path and its native
 * libraries load. Thread-safe.
 */
public final class Nd4jBackendProvider implements BackendProvider {
    /** Creates a provider. Called by {@link java.util.ServiceLoader}. */
    public Nd4jBackendProvider() {}

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
        // This class must not refer to ND4J, so that it loads where ND4J is missing.
        try {
            return Nd4jRuntime.availability();
        } catch (LinkageError | ServiceConfigurationError e) {
            return new Availability(
                    false,
                    "ND4J is not on the class path or its native libraries do not load (" + e
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
