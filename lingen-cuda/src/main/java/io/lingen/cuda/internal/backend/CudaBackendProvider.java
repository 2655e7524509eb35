package io.lingen.cuda.internal.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.accounting.HostMemory;
import io.lingen.core.spi.BackendProvider;
import io.lingen.core.spi.Kernels;
import io.lingen.cuda.internal.driver.CubinCache;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.DeviceProperties;
import io.lingen.cuda.internal.driver.Libraries;
import io.lingen.cuda.internal.driver.Libraries.Name;
import io.lingen.cuda.internal.driver.Nvrtc;
import java.lang.foreign.SymbolLookup;
import java.util.Locale;
import java.util.function.Function;

/** The provider of the backend "cuda", which computes on the first CUDA device. */
public final class CudaBackendProvider implements BackendProvider {
    static final String NAME = "cuda";

    /** The system property that limits the device memory: a number of bytes, or a number with the suffix k, m or g (powers of 1024). */
    static final String MEMORY_LIMIT_PROPERTY = "lingen.cuda.memory-limit";

    private static final int PRIORITY = 200;

    private final Function<Name, SymbolLookup> libraries;

    /** Creates a provider without loading a library. Called by {@link java.util.ServiceLoader}. */
    public CudaBackendProvider() {
        this(name -> new Libraries().load(name));
    }

    CudaBackendProvider(Function<Name, SymbolLookup> libraries) {
        this.libraries = libraries;
    }

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
        try {
            DeviceProperties properties = Device.properties(libraries);
            // Load NVRTC now: if it is missing, a generation would fail later.
            new Nvrtc(libraries.apply(Name.NVRTC)).architectureFor(properties.major(), properties.minor());
            return new Availability(true, describe(properties));
        } catch (IllegalStateException | LinkageError e) {
            return new Availability(false, String.valueOf(e.getMessage()));
        }
    }

    @Override
    public Kernels create(BackendOptions options) {
        // Read the property before the device is opened, because it may be invalid.
        long memoryLimit = HostMemory.bound(MEMORY_LIMIT_PROPERTY);
        return new CudaKernels(Device.open(libraries, CubinCache.ofUser()), memoryLimit);
    }

    static String describe(DeviceProperties properties) {
        return String.format(
                Locale.ROOT,
                "%s, %.1f GB, compute capability %d.%d, driver for CUDA %d.%d",
                properties.name(),
                properties.totalBytes() / 1e9,
                properties.major(),
                properties.minor(),
                properties.driverVersion() / 1000,
                properties.driverVersion() % 1000 / 10);
    }
}
