package io.lingen.core.accounting;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostMemoryTest {
    @TempDir
    Path group;

    @AfterEach
    void noLimitByDefault() {
        System.clearProperty(HostMemory.PROPERTY);
    }

    @Test
    void propertyLimitsTheMemory() {
        assertTrue(HostMemory.availableBytes() > 1 << 20);
        System.setProperty(HostMemory.PROPERTY, "1m");
        assertEquals(1 << 20, HostMemory.availableBytes());
        System.setProperty(HostMemory.PROPERTY, "1000");
        assertEquals(1000, HostMemory.availableBytes());
        for (String wrong : new String[] {"", "g", "1t", "99999999999g", "1.5g", "-1g"}) {
            System.setProperty(HostMemory.PROPERTY, wrong);
            IllegalArgumentException error = assertThrows(IllegalArgumentException.class, HostMemory::availableBytes);
            assertTrue(error.getMessage().contains("\"" + wrong + "\""), error.getMessage());
        }
    }

    @Test
    void containerUsageExcludesTheFileCache() throws IOException {
        assertEquals(Long.MAX_VALUE, HostMemory.containerAvailable(group.resolve("none")));
        Files.writeString(group.resolve("memory.max"), "max\n");
        assertEquals(Long.MAX_VALUE, HostMemory.containerAvailable(group));
        Files.writeString(group.resolve("memory.max"), "1000\n");
        Files.writeString(group.resolve("memory.current"), "700\n");
        Files.writeString(group.resolve("memory.stat"), "anon 400\ninactive_file 200\nactive_file 100\n");
        assertEquals(600, HostMemory.containerAvailable(group));
        Files.writeString(group.resolve("memory.current"), "nonsense\n");
        assertEquals(Long.MAX_VALUE, HostMemory.containerAvailable(group));
    }
}
