package io.lingen.bench.internal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A process that runs a model on request, in PyTorch or in Java. After its warm-up, it prints a JSON line with {@code "ready": true} and a
 * {@code "description"}. For every input line {@code run}, it runs a pass and prints the seconds. For {@code run FILE}, it also writes the
 * output of the pass to a safetensors file, as {@code output} in F32. The line {@code quit} ends it. Its messages go to standard error.
 */
final class PassProcess implements AutoCloseable {
    /** The options of the launcher, so that memory and speed are those of its processes. */
    private static final List<String> JAVA_OPTIONS = List.of(
            "-XX:+UseSerialGC",
            "-Xms32m",
            "--enable-native-access=ALL-UNNAMED",
            "--add-modules",
            "jdk.incubator.vector",
            "--sun-misc-unsafe-memory-access=allow");

    private final String name;
    private final Process process;
    private final BufferedReader fromProcess;
    private final Writer toProcess;
    private final String description;

    private PassProcess(String name, Process process) throws IOException {
        this.name = name;
        this.process = process;
        this.fromProcess = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        this.toProcess = process.outputWriter(StandardCharsets.UTF_8);
        JsonNode ready = new ObjectMapper().readTree(readLine());
        if (!ready.path("ready").asBoolean()) {
            throw new IllegalStateException(
                    "first line of the " + name + " process must have \"ready\": true, found " + ready);
        }
        this.description = ready.path("description").asText("of unknown version");
    }

    /**
     * Starts a Python module and waits for the end of its warm-up.
     *
     * @param python the Python interpreter
     * @param folder the folder of the Python packages, src-test-fixtures/python
     * @param module the module
     * @param arguments its arguments
     * @throws UncheckedIOException if the process cannot be started or its first line is not JSON
     * @throws IllegalStateException if the process ends or prints another first line
     */
    static PassProcess python(String python, Path folder, String module, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(python, "-m", module, "--serve"));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        // Otherwise PyTorch warns at every convolution that NNPACK does not support the processor.
        builder.environment().putIfAbsent("TORCH_CPP_LOG_LEVEL", "ERROR");
        return start("PyTorch", builder);
    }

    /**
     * Starts the main method of a class with the options of the launcher, and waits for the end of its warm-up.
     *
     * @param main the class
     * @param arguments its arguments
     * @throws UncheckedIOException if the process cannot be started or its first line is not JSON
     * @throws IllegalStateException if the process ends or prints another first line
     */
    static PassProcess java(Class<?> main, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JAVA_OPTIONS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        return start("Java", new ProcessBuilder(command));
    }

    private static PassProcess start(String name, ProcessBuilder builder) {
        Process process;
        try {
            process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "command of the " + name + " process must start, found that " + builder.command()
                            + " does not; check the options --python and --peer",
                    e);
        }
        try {
            return new PassProcess(name, process);
        } catch (IOException | RuntimeException e) {
            process.destroy();
            throw e instanceof IOException
                    ? new UncheckedIOException("first line of the " + name + " process must be JSON", (IOException) e)
                    : (RuntimeException) e;
        }
    }

    /** Returns the version of the software. */
    String description() {
        return description;
    }

    /** Runs a pass and returns its time in seconds. */
    double run() {
        return Double.parseDouble(ask("run"));
    }

    /** Runs a pass, writes its output to a file, and returns the time of the pass in seconds. */
    double run(Path output) {
        return Double.parseDouble(ask("run " + output.toAbsolutePath()));
    }

    /** Returns the operations of the last pass, which only a Java process counts. */
    long operations() {
        return Long.parseLong(ask("operations"));
    }

    /** Returns the peak resident memory of the process so far, in bytes. Linux only. */
    long peakBytes() {
        Path status = Path.of("/proc", Long.toString(process.pid()), "status");
        try {
            for (String line : Files.readAllLines(status)) {
                if (line.startsWith("VmHWM:")) {
                    return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "peak memory of a process is read from /proc, found no readable " + status, e);
        }
        throw new IllegalStateException(status + " must have a line VmHWM, found none");
    }

    private String ask(String line) {
        try {
            toProcess.write(line + "\n");
            toProcess.flush();
            return readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(name + " process must answer, found an error; see its standard error", e);
        }
    }

    private String readLine() throws IOException {
        String line = fromProcess.readLine();
        if (line == null) {
            throw new IllegalStateException(name
                    + " process must answer, found that it ended; see its standard error, and check that Python has the"
                    + " packages of src-test-fixtures/README.md");
        }
        return line;
    }

    @Override
    public void close() {
        try {
            toProcess.write("quit\n");
            toProcess.close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroy();
            }
        } catch (IOException e) {
            // The process has already ended.
            process.destroy();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
