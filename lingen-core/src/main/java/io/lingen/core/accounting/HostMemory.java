package io.lingen.core.accounting;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The available memory of the machine. */
public final class HostMemory {
    /**
     * The system property that limits the memory taken to be available, for machines that are shared: bytes, or a number with the suffix k,
     * m or g for powers of 1024.
     */
    public static final String PROPERTY = "lingen.memory";

    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    private HostMemory() {}

    /**
     * {@return the number of bytes that can be allocated without swapping} On Linux this is the kernel's estimate of available memory,
     * elsewhere the total memory. The limits of the container and of {@value #PROPERTY} apply.
     *
     * @throws IllegalArgumentException if the property is malformed
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
     * {@return the number of bytes that a system property is set to; {@link Long#MAX_VALUE} if it is not set}
     *
     * @param property the name; its value is a number, optionally with the suffix k, m or g for powers of 1024
     * @throws IllegalArgumentException if the value is malformed
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
                    "-D" + property + " must be a number of bytes or a number with k, m or g, for example 4g, found \""
                            + bound + '"',
                    e);
        }
    }

    /**
     * {@return the memory that a container's limit leaves} Reads version 2 of control groups. The container's file cache counts as
     * available, since the kernel evicts it first.
     */
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
            // Without a readable limit, the machine's memory is the bound.
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
            // Without a readable estimate, the total memory is the bound.
            return Long.MAX_VALUE;
        }
        return Long.MAX_VALUE;
    }
}
