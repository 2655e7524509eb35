package io.lingen.vae;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.core.spi.BackendProvider;
import java.util.stream.Stream;

/** The backends on the class path, and tolerances. */
final class TestBackends {
    private TestBackends() {}

    /** Returns all backends, available or not. */
    static Stream<String> names() {
        return Backends.providers().stream().map(BackendProvider::name);
    }

    /** Opens the backend of a name. If it is not available, the test is reported as skipped, with the reason. */
    static Backend open(String name) {
        for (BackendProvider provider : Backends.providers()) {
            if (provider.name().equals(name)) {
                BackendProvider.Availability availability = provider.availability();
                assumeTrue(availability.available(), name + ": " + availability.detail());
            }
        }
        // One thread: ND4J's OpenMP threads spin, which slows tests down on a busy machine.
        return Backends.create(name, new BackendOptions(name.equals("nd4j") ? 1 : 2));
    }

    static HostTensor normal(long seed, long... lengths) {
        int elements = 1;
        for (long length : lengths) {
            elements *= (int) length;
        }
        float[] values = new float[elements];
        PhiloxNormal.fill(seed, 0, values, 0, elements);
        return HostTensor.of(values, lengths);
    }

    /** Returns the L2 norm of the difference, divided by that of the expected values. */
    static double relativeError(HostTensor expected, HostTensor found) {
        double difference = 0;
        double norm = 0;
        for (long i = 0; i < expected.shape().elements(); i++) {
            double error = (double) found.get(i) - expected.get(i);
            difference += error * error;
            norm += (double) expected.get(i) * expected.get(i);
        }
        return Math.sqrt(difference / norm);
    }

    /** Returns the tolerated relative error of a precision. */
    static double tolerance(DType precision) {
        return precision == DType.F32 ? 1e-5 : 2e-2;
    }
}
