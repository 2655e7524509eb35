package io.lingen.core.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Tests of the selection of backends. */
final class BackendsTest {
    @Test
    void backendsAreFoundByName() {
        try (Backend backend = Backends.create("nd4j", BackendOptions.defaults())) {
            assertEquals("nd4j", backend.name());
        }
        assertEquals("nd4j", Backends.providers().get(0).name());
    }

    @Test
    void autoSelectsTheHighestPriority() {
        try (Backend backend = Backends.create(Backends.AUTO, new BackendOptions(1))) {
            assertEquals("nd4j", backend.name());
        }
    }

    @Test
    void errorsForUnknownNamesListTheBackends() {
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> Backends.create("gpu", BackendOptions.defaults()));
        assertTrue(e.getMessage().contains("nd4j"), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new BackendOptions(0));
    }

    @Test
    void tapsAddPrefixes() {
        List<String> names = new ArrayList<>();
        Taps taps = (name, tensor) -> names.add(name);
        try (Backend backend = Backends.create("nd4j", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            Tensor tensor = workspace.allocate(DType.F32, 1);
            taps.under("blocks.").under("3.").accept("ma", tensor);
        }
        assertEquals(List.of("blocks.3.ma"), names);
        assertSame(Taps.NONE, Taps.NONE.under("blocks."));
    }
}
