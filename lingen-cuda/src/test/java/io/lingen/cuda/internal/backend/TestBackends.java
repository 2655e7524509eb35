package io.lingen.cuda.internal.backend;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.backend.Backend;
import io.lingen.core.spi.BackendProvider;
import io.lingen.cuda.internal.driver.CubinCache;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.DeviceProperties;
import io.lingen.cuda.internal.driver.Emulation;
import io.lingen.cuda.internal.driver.Libraries;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;

/** Opens the backend under test: on a GPU with -Dlingen.cuda.test=gpu, otherwise on the emulated device. */
final class TestBackends {
    private static final CubinCache CACHE = new CubinCache(Path.of("target", "cubins"));

    private TestBackends() {}

    static boolean onGpu() {
        return "gpu".equals(System.getProperty("lingen.cuda.test"));
    }

    static Backend open() {
        return open(true);
    }

    static Backend open(boolean graphs) {
        Backend backend = open(Long.MAX_VALUE);
        CudaKernels.of(backend).recorder().enable(graphs);
        return backend;
    }

    static Backend open(long memoryLimit) {
        return new Backend(new CudaKernels(device(true), memoryLimit));
    }

    /** Opens the backend without cuBLASLt. */
    static Backend openWithoutCublas() {
        return new Backend(new CudaKernels(device(false), Long.MAX_VALUE));
    }

    /** Opens the backend without warpgroup instructions. */
    static Backend openWithoutWarpgroups() {
        Backend backend = open();
        CudaKernels.of(backend).device().useWarpgroups(false);
        return backend;
    }

    /** Opens the backend with warpgroup instructions. Aborts the test (an assumption) on a device that has none. */
    static Backend openWithWarpgroups() {
        Device device = device(true);
        if (!device.properties().hasWarpgroups()) {
            DeviceProperties properties = device.properties();
            device.close();
            assumeTrue(false, "compute capability must be 9.0, found " + properties.major() + "." + properties.minor());
        }
        return new Backend(new CudaKernels(device, Long.MAX_VALUE));
    }

    private static Device device(boolean cublas) {
        if (onGpu()) {
            BackendProvider.Availability availability = new CudaBackendProvider().availability();
            assumeTrue(availability.available(), availability::detail);
            return Device.open(name -> library(name, new Libraries().load(name), cublas), CubinCache.ofUser());
        }
        SymbolLookup emulated = Emulation.library();
        return Device.open(name -> library(name, emulated, cublas), CACHE);
    }

    private static SymbolLookup library(Libraries.Name name, SymbolLookup found, boolean cublas) {
        if (name == Libraries.Name.CUBLAS_LT && !cublas) {
            throw new IllegalStateException("disabled by the test");
        }
        return found;
    }
}
