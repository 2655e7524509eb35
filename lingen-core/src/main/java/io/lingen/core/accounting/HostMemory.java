package io.lingen.core.accounting;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the machine's memory has left. */
public final class HostMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");

    private HostMemory() {}

    /**
     * The bytes that can be allocated without swapping: on Linux what the kernel calls available, elsewhere all of the memory; never more
     * than the limit of the container.
     */
    public static long availableBytes() {
        OperatingSystemMXBean system = ManagementFactory.getOperatingSystemMXBean();
        long total = system instanceof com.sun.management.OperatingSystemMXBean
                ? ((com.sun.management.OperatingSystemMXBean) system).getTotalMemorySize()
                : Long.MAX_VALUE;
        return Math.min(total, kernelAvailable());
    }

    private static long kernelAvailable() {
        try {
            List<String> lines = Files.isReadable(MEMINFO) ? Files.readAllLines(MEMINFO) : List.of();
            for (String line : lines) {
                if (line.startsWith("MemAvailable:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
        } catch (IOException | NumberFormatException e) {
            // Not worth refusing a video for: the total is the bound then.
            return Long.MAX_VALUE;
        }
        return Long.MAX_VALUE;
    }
}
