package io.lingen.core.accounting;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What the machine's memory has left. */
public final class HostMemory {
    /**
     * The system property that sets a bound to what is taken to be available, where a machine is shared: bytes, or a number with the suffix
     * k, m or g, of 1024.
     */
    public static final String PROPERTY = "lingen.memory";

    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    private HostMemory() {}

    /**
     * The bytes that can be allocated without swapping: on Linux what the kernel calls available, elsewhere all of the memory; never more
     * than the container's limit leaves, nor than {@value #PROPERTY} says.
     *
     * @throws IllegalArgumentException if the property is set to something else
     */
    public static long availableBytes() {
        OperatingSystemMXBean system = ManagementFactory.getOperatingSystemMXBean();
        long total = system instanceof com.sun.management.OperatingSystemMXBean
                ? ((com.sun.management.OperatingSystemMXBean) system).getTotalMemorySize()
                : Long.MAX_VALUE;
        long machine = Math.min(Math.min(total, kernelAvailable()), containerAvailable(CGROUP));
        return Math.min(machine, bound(PROPERTY));
    }

    /**
     * The bytes that a system property says: a number, or one with the suffix k, m or g, of 1024; {@link Long#MAX_VALUE} if it is not set.
     *
     * @throws IllegalArgumentException if it is set to something else
     */
    public static long bound(String property) {
        String bound = System.getProperty(property);
        if (bound == null) {
            return Long.MAX_VALUE;
        }
        String number = bound.strip().toLowerCase(Locale.ROOT);
        int shift = 10 * ("kmg".indexOf(number.isEmpty() ? ' ' : number.charAt(number.length() - 1)) + 1);
        try {
            long value = Long.parseLong(shift == 0 ? number : number.substring(0, number.length() - 1));
            if (value < 0) {
                throw new NumberFormatException("below 0");
            }
            return Math.multiplyExact(value, 1L << shift);
        } catch (ArithmeticException | NumberFormatException e) {
            throw new IllegalArgumentException(
                    "-D" + property + ": expected bytes or a number with k, m or g, for example 4g, found \"" + bound
                            + '"',
                    e);
        }
    }

    /** What a container's limit leaves, its file cache being given up first; control groups, version 2. */
    static long containerAvailable(Path group) {
        try {
            Path limit = group.resolve("memory.max");
            if (!Files.isReadable(limit)) {
                return Long.MAX_VALUE;
            }
            String bytes = Files.readString(limit).strip();
            if (bytes.equals("max")) {
                return Long.MAX_VALUE;
            }
            long used = Long.parseLong(
                    Files.readString(group.resolve("memory.current")).strip());
            for (String line : Files.readAllLines(group.resolve("memory.stat"))) {
                if (line.startsWith("active_file ") || line.startsWith("inactive_file ")) {
                    used -= Long.parseLong(line.substring(line.indexOf(' ') + 1));
                }
            }
            return Math.max(0, Long.parseLong(bytes) - used);
        } catch (IOException | NumberFormatException e) {
            // Not worth refusing a video for: the machine's memory is the bound then.
            return Long.MAX_VALUE;
        }
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
