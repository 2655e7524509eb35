package io.lingen.bench.internal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A process that runs the denoiser in PyTorch. After its warm-up, it prints a JSON line with {@code "ready": true}. For every input line
 * {@code run}, it runs a pass and prints the seconds. The line {@code quit} ends it. Its messages go to standard error.
 */
final class Peer implements AutoCloseable {
    private final Process process;
    private final BufferedReader fromPeer;
    private final Writer toPeer;
    private final String description;

    private Peer(Process process) throws IOException {
        this.process = process;
        this.fromPeer = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        this.toPeer = process.outputWriter(StandardCharsets.UTF_8);
        JsonNode ready = new ObjectMapper().readTree(readLine());
        if (!ready.path("ready").asBoolean()) {
            throw new IllegalStateException("first line of the PyTorch process must have \"ready\": true, found "
                    + ready + "; it must be denoiser_bench.py --serve");
        }
        this.description = "PyTorch " + ready.path("torch").asText("of unknown version");
    }

    /**
     * Starts the process and waits for the end of its warm-up.
     *
     * @param python the Python interpreter
     * @param folder the folder of the Python packages, src-test-fixtures/python
     * @param arguments the arguments of denoiser_bench.py
     * @throws UncheckedIOException if the process cannot be started or its first line is not JSON
     * @throws IllegalStateException if the process ends or prints another first line
     */
    static Peer start(String python, Path folder, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(python, "-m", "bench.denoiser_bench", "--serve"));
        command.addAll(arguments);
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "--python and --peer must name a Python with torch and its folder, found that " + command
                            + " does not start in " + folder,
                    e);
        }
        try {
            return new Peer(process);
        } catch (IOException | RuntimeException e) {
            process.destroy();
            throw e instanceof IOException
                    ? new UncheckedIOException("first line of the PyTorch process must be JSON", (IOException) e)
                    : (RuntimeException) e;
        }
    }

    /** Returns the version of PyTorch. */
    String description() {
        return description;
    }

    /** Runs a pass and returns its time in seconds. */
    double run() {
        try {
            toPeer.write("run\n");
            toPeer.flush();
            return Double.parseDouble(readLine());
        } catch (IOException e) {
            throw new UncheckedIOException("PyTorch process must answer, found an error; see its standard error", e);
        }
    }

    private String readLine() throws IOException {
        String line = fromPeer.readLine();
        if (line == null) {
            throw new IllegalStateException(
                    "PyTorch process must answer, found that it ended; see its standard error, and check that its Python"
                            + " has torch, numpy and safetensors");
        }
        return line;
    }

    @Override
    public void close() {
        try {
            toPeer.write("quit\n");
            toPeer.close();
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
