package io.lingen.cpu.internal.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.spi.BackendProvider;
import io.lingen.core.spi.Kernels;
import java.nio.ByteOrder;

/** The provider of the backend "cpu", which is available on every little-endian machine. */
public final class CpuBackendProvider implements BackendProvider {
    static final String NAME = "cpu";
    private static final int PRIORITY = 100;

    /** Creates a provider. Called by {@link java.util.ServiceLoader}. */
    public CpuBackendProvider() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int priority() {
        return PRIORITY;
    }

    @Override
    public Availability availability() {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            return new Availability(false, "machine must be little-endian, found big-endian; use nd4j");
        }
        return new Availability(
                true,
                System.getProperty("os.arch") + ", " + Runtime.getRuntime().availableProcessors() + " processors");
    }

    @Override
    public Kernels create(BackendOptions options) {
        Availability availability = availability();
        if (!availability.available()) {
            throw new IllegalStateException(availability.detail());
        }
        return new CpuKernels(options, KernelSet.Level.BEST);
    }
}
