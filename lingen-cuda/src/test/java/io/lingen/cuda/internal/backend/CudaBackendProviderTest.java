package io.lingen.cuda.internal.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.spi.BackendProvider;
import io.lingen.cuda.internal.driver.Emulation;
import java.lang.foreign.SymbolLookup;
import org.junit.jupiter.api.Test;

/** Tests of the registration, the availability and the memory limit of the backend. */
final class CudaBackendProviderTest {
    @Test
    void providerIsRegistered() {
        BackendProvider provider = Backends.providers().stream()
                .filter(found -> found.name().equals("cuda"))
                .findFirst()
                .orElseThrow();
        assertTrue(provider.priority() > 100, "above the priority of the CPU backend");
    }

    @Test
    void missingDriverIsReported() {
        CudaBackendProvider provider = new CudaBackendProvider(name -> {
            throw new IllegalStateException("libcuda must be installed, found none");
        });
        BackendProvider.Availability availability = provider.availability();
        assertFalse(availability.available());
        assertEquals("libcuda must be installed, found none", availability.detail());
        assertThrows(IllegalStateException.class, () -> provider.create(BackendOptions.defaults()));
    }

    @Test
    void deviceIsDescribed() {
        SymbolLookup emulated = Emulation.library();
        BackendProvider.Availability availability = new CudaBackendProvider(name -> emulated).availability();
        assertTrue(availability.available());
        assertTrue(
                availability.detail().contains("emulated device, 1.1 GB, compute capability 9.0"),
                availability.detail());
    }

    @Test
    void devicesUnknownToTheCompilerAreUnavailable() throws Throwable {
        SymbolLookup emulated = Emulation.library();
        Emulation.configure(1, 11, 0, Emulation.BYTES);
        try {
            BackendProvider.Availability availability = new CudaBackendProvider(name -> emulated).availability();
            assertFalse(availability.available());
            assertTrue(
                    availability.detail().contains("NVRTC must support compute capability 11.0"),
                    availability.detail());
        } finally {
            Emulation.restore();
        }
    }

    @Test
    void memoryLimitIsAProperty() {
        SymbolLookup emulated = Emulation.library();
        CudaBackendProvider provider = new CudaBackendProvider(name -> emulated);
        try {
            System.setProperty(CudaBackendProvider.MEMORY_LIMIT_PROPERTY, "64m");
            try (Backend backend = new Backend(provider.create(BackendOptions.defaults()));
                    Workspace workspace = backend.newWorkspace()) {
                workspace.allocate(DType.F32, 10L << 20);
                assertEquals(24L << 20, backend.availableBytes());
                OutOfMemoryException refused =
                        assertThrows(OutOfMemoryException.class, () -> workspace.allocate(DType.F32, 10L << 20));
                assertTrue(refused.getMessage().contains("limit 64 MiB"), refused.getMessage());
            }
            System.setProperty(CudaBackendProvider.MEMORY_LIMIT_PROPERTY, "much");
            assertThrows(IllegalArgumentException.class, () -> provider.create(BackendOptions.defaults()));
        } finally {
            System.clearProperty(CudaBackendProvider.MEMORY_LIMIT_PROPERTY);
        }
    }
}
