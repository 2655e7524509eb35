package io.lingen.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.BackendProvider;
import io.lingen.core.Backends;
import io.lingen.cuda.driver.Emulation;
import java.lang.foreign.SymbolLookup;
import org.junit.jupiter.api.Test;

/** The backend among the others. */
final class CudaBackendProviderTest {
    @Test
    void itIsFoundByName() {
        BackendProvider provider = Backends.providers().stream()
                .filter(found -> found.name().equals("cuda"))
                .findFirst()
                .orElseThrow();
        assertTrue(provider.priority() > 100, "before the CPU");
    }

    @Test
    void withoutADriverItSaysSo() {
        CudaBackendProvider provider = new CudaBackendProvider(name -> {
            throw new IllegalStateException("no cuda library; looked in /nowhere");
        });
        BackendProvider.Availability availability = provider.availability();
        assertFalse(availability.available());
        assertEquals("no cuda library; looked in /nowhere", availability.detail());
        assertThrows(IllegalStateException.class, () -> provider.create(BackendOptions.defaults()));
    }

    @Test
    void withADeviceItSaysWhichOne() {
        SymbolLookup emulated = Emulation.library();
        BackendProvider.Availability availability = new CudaBackendProvider(name -> emulated).availability();
        assertTrue(availability.available());
        assertTrue(
                availability.detail().contains("emulated device, 1.1 GB, compute capability 9.0"),
                availability.detail());
    }
}
