package io.lingen.core.internal;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of a partial file: {@code .TARGET.HOST-NAMESPACE-PID-START-COUNT.partial}. It identifies the process that writes the file, so
 * that a later run can tell a file in use from one whose process died: process ids are comparable within one host and one pid namespace
 * only, and the start time distinguishes a process from a later one with the same id.
 *
 * @param prefix {@code .TARGET.}
 * @param namespace of process ids; 0 where the system has none
 * @param startMillis when the process started, since 1970; 0 if unknown
 */
record PartialName(String prefix, String host, long namespace, long pid, long startMillis, long count) {
    static final String SUFFIX = ".partial";

    /** The longest target name that is kept as it is, in bytes: 255 are allowed, and the rest of the name needs its place. */
    private static final int MAX_TARGET_BYTES = 100;

    /** Linux derives start times from a boot time that clock adjustments move. */
    private static final long START_TOLERANCE_MILLIS = 5000;

    private static final Pattern PROCESS =
            Pattern.compile("([^-]{1,64})-(\\d{1,19})-(\\d{1,19})-(\\d{1,19})-(\\d{1,19})");

    private static final String HOST = ownHost();
    private static final long NAMESPACE = ownNamespace();

    /** A name for a file that this process writes. */
    static PartialName of(Path target, long count) {
        ProcessHandle self = ProcessHandle.current();
        return new PartialName(prefixOf(target), HOST, NAMESPACE, self.pid(), startOf(self), count);
    }

    /** What the names of all partial files of a target begin with. */
    static String prefixOf(Path target) {
        String name = target.getFileName().toString();
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return bytes.length <= MAX_TARGET_BYTES ? "." + name + "." : "." + sha256(bytes) + ".";
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads a name; null if it is none of that prefix and suffix. */
    static @Nullable PartialName parse(String name, String prefix, String suffix) {
        if (!name.startsWith(prefix) || !name.endsWith(suffix) || name.length() < prefix.length() + suffix.length()) {
            return null;
        }
        Matcher process = PROCESS.matcher(name.substring(prefix.length(), name.length() - suffix.length()));
        if (!process.matches()) {
            return null;
        }
        try {
            return new PartialName(
                    prefix,
                    process.group(1),
                    Long.parseLong(process.group(2)),
                    Long.parseLong(process.group(3)),
                    Long.parseLong(process.group(4)),
                    Long.parseLong(process.group(5)));
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Whether its process is known to have ended: false for processes of other hosts and namespaces. */
    boolean isOfDeadProcess() {
        if (!host.equals(HOST) || namespace != NAMESPACE) {
            return false;
        }
        Optional<ProcessHandle> process = ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
        if (process.isEmpty()) {
            return true;
        }
        long start = startOf(process.get());
        return startMillis != 0 && start != 0 && Math.abs(start - startMillis) > START_TOLERANCE_MILLIS;
    }

    /** The file name with another suffix. */
    String withSuffix(String suffix) {
        return prefix + host + "-" + namespace + "-" + pid + "-" + startMillis + "-" + count + suffix;
    }

    @Override
    public String toString() {
        return withSuffix(SUFFIX);
    }

    private static long startOf(ProcessHandle process) {
        return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    }

    private static String ownHost() {
        String name = "";
        try {
            Path file = Path.of("/proc/sys/kernel/hostname");
            name = Files.isReadable(file)
                    ? Files.readString(file).strip()
                    : InetAddress.getLocalHost().getHostName();
        } catch (IOException e) {
            // A machine without a name: files of its dead processes are recognised by the empty one.
        }
        String plain = name.replaceAll("[^A-Za-z0-9.]", "_");
        return plain.isEmpty() ? "_" : plain.substring(0, Math.min(plain.length(), 64));
    }

    /** The inode of the pid namespace, from the link "pid:[4026531836]". */
    private static long ownNamespace() {
        try {
            String digits = Files.readSymbolicLink(Path.of("/proc/self/ns/pid"))
                    .toString()
                    .replaceAll("\\D", "");
            return digits.isEmpty() ? 0 : Long.parseLong(digits);
        } catch (IOException | UnsupportedOperationException | NumberFormatException e) {
            return 0;
        }
    }
}
