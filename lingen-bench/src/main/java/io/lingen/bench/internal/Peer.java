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
 * PyTorch's denoiser in a process of its own, which takes turns: it prints a JSON line with {@code "ready": true} once it is warm, then, for
 * every line {@code run}, the seconds of a pass; {@code quit} ends it. Its messages go to this process's standard error.
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
            throw new IllegalStateException(
                    "the peer's first line has \"ready\": true, found " + ready + "; is it denoiser_bench.py --serve?");
        }
        this.description = "PyTorch " + ready.path("torch").asText("of unknown version");
    }

    /**
     * Starts PyTorch and waits until it is warm.
     *
     * @param folder the folder of the Python packages, src-test-fixtures/python
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
                    "cannot start " + command + " in " + folder + "; --python names a Python that has torch", e);
        }
        try {
            return new Peer(process);
        } catch (IOException | RuntimeException e) {
            process.destroy();
            throw e instanceof IOException
                    ? new UncheckedIOException("the peer's first line is not JSON", (IOException) e)
                    : (RuntimeException) e;
        }
    }

    /** What it is, for people. */
    String description() {
        return description;
    }

    /** The seconds of one more pass. */
    double run() {
        try {
            toPeer.write("run\n");
            toPeer.flush();
            return Double.parseDouble(readLine());
        } catch (IOException e) {
            throw new UncheckedIOException("the peer does not answer", e);
        }
    }

    private String readLine() throws IOException {
        String line = fromPeer.readLine();
        if (line == null) {
            throw new IllegalStateException(
                    "the peer ended without an answer; its messages are on standard error. Does its Python have torch,"
                            + " numpy and safetensors?");
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
            // It has ended already.
            process.destroy();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
