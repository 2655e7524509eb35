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
 * The name of a partial file: {@code .TARGET.HOST-NAMESPACE-PID-START-COUNT.partial}. It identifies the writing process, so a later run can
 * distinguish a file in use from one whose process died. Process ids are comparable only within one host and one pid namespace. The start
 * time distinguishes a process from a later one with the same id.
 *
 * @param prefix {@code .TARGET.}
 * @param host the name of the host
 * @param namespace of process ids; 0 if the system has none
 * @param pid the id of the process
 * @param startMillis the start of the process in milliseconds since 1970; 0 if unknown
 * @param count distinguishes the files of one process
 */
record PartialName(String prefix, String host, long namespace, long pid, long startMillis, long count) {
    static final String SUFFIX = ".partial";

    /** The longest target name that is used unchanged, in bytes. File systems allow 255, of which the suffix needs the rest. */
    private static final int MAX_TARGET_BYTES = 100;

    /** Linux derives start times from the boot time, which changes when the clock is adjusted. */
    private static final long START_TOLERANCE_MILLIS = 5000;

    private static final Pattern PROCESS =
            Pattern.compile("([^-]{1,64})-(\\d{1,19})-(\\d{1,19})-(\\d{1,19})-(\\d{1,19})");

    private static final String HOST = ownHost();
    private static final long NAMESPACE = ownNamespace();

    /** {@return a name for a file that this process writes} */
    static PartialName of(Path target, long count) {
        ProcessHandle self = ProcessHandle.current();
        return new PartialName(prefixOf(target), HOST, NAMESPACE, self.pid(), startOf(self), count);
    }

    /** {@return the common prefix of all partial files of a target} */
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

    /** {@return the parsed name, or null if it does not have that prefix and suffix} */
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

    /** {@return whether the process is known to have ended} False for processes of other hosts and namespaces. */
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

    /** {@return the file name with another suffix} */
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
            // Use the empty name: a host without a name still recognizes its own files.
        }
        String plain = name.replaceAll("[^A-Za-z0-9.]", "_");
        return plain.isEmpty() ? "_" : plain.substring(0, Math.min(plain.length(), 64));
    }

    /** {@return the inode of the pid namespace, from the link "pid:[4026531836]"; 0 if there is none} */
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
