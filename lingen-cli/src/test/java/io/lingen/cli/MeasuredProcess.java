package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process with the options of the launcher, whose resident memory is read from Linux. */
final class MeasuredProcess {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final List<String> LAUNCHER_OPTIONS = List.of(
            "-XX:+UseSerialGC",
            "-Xms32m",
            "--enable-native-access=ALL-UNNAMED",
            "--add-modules",
            "jdk.incubator.vector",
            "--sun-misc-unsafe-memory-access=allow");

    private MeasuredProcess() {}

    /** Returns the peak resident memory, in bytes, of a process that runs a command. */
    static long peakOf(Path folder, Object... arguments) throws IOException, InterruptedException {
        Path report = Files.createTempFile(folder, "peak", ".txt");
        run(CommandLine.class, folder, report, arguments);
        return Long.parseLong(Files.readString(report));
    }

    /** Runs the main method of a class with the path of its report and further arguments. */
    static void run(Class<?> main, Path folder, Path report, Object... arguments)
            throws IOException, InterruptedException {
        assumeTrue(Files.isReadable(STATUS), "resident memory is read from /proc, which this system has not");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(LAUNCHER_OPTIONS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName(), report.toString()));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        Path log = folder.resolve("log.txt");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertTrue(process.waitFor(10, TimeUnit.MINUTES), "it takes too long");
            assertEquals(0, process.exitValue(), Files.readString(log));
        } finally {
            process.destroyForcibly();
        }
    }

    /** Returns a field of /proc/self/status in bytes: VmHWM, the peak so far, or VmRSS, the current resident memory. */
    static long resident(String field) {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith(field + ":")) {
                    return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new IllegalStateException("no " + field + " in " + STATUS);
    }

    /** Runs the command line and writes the peak when the process ends. */
    static final class CommandLine {
        private CommandLine() {}

        /** @param arguments the report's path, then those of the command line */
        public static void main(String[] arguments) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    Files.writeString(Path.of(arguments[0]), Long.toString(resident("VmHWM")));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }));
            Lingen.main(List.of(arguments).subList(1, arguments.length).toArray(String[]::new));
        }
    }
}
