package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.TinyModel;
import io.lingen.core.checkpoint.ModelSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Every command fails if its standard output can't be written. */
@Timeout(120)
class OutputFailureTest {
    private static final String MESSAGE = "lingen: could not write to standard output";

    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "--version",
                "help",
                "help generate",
                "generate --help",
                "resume --help",
                "decode --help",
                "batch --help",
                "parity --version",
                "info --model MODEL",
                "generate a-ring --model MODEL --frames 4 --steps 1 -q --json -o FOLDER/out.mp4",
                "batch FOLDER/prompts.txt --model MODEL --frames 4 --steps 1 -q --json -o FOLDER/out.mp4",
                "resume FOLDER/saved.mp4 --model MODEL -q --json",
                "decode FOLDER/saved.mp4 --model MODEL -q --json -o FOLDER/out.mp4",
                "parity --model FOLDER --fixture FOLDER/fixture.safetensors --backend cpu",
            })
    void fullStandardOutputIsAFailure(String command) throws IOException {
        Files.writeString(folder.resolve("prompts.txt"), "a ring\n");
        if (command.contains("saved")) {
            KeptFilesTest.interrupt(model, "a ring", folder.resolve("saved.mp4"));
        } else if (command.startsWith("parity")) {
            writeFixture();
        }
        StringWriter err = new StringWriter();
        CommandLine line =
                Lingen.commandLine().setOut(new PrintWriter(new FullWriter())).setErr(new PrintWriter(err));
        int code = Lingen.run(
                line,
                Arrays.stream(command.split(" "))
                        .map(word -> word.replace("MODEL", model.toString()).replace("FOLDER", folder.toString()))
                        .toArray(String[]::new));
        assertEquals(1, code, err.toString());
        assertTrue(err.toString().startsWith(MESSAGE), err.toString());
    }

    /** A denoiser and the fixture of its pass. */
    private void writeFixture() throws IOException {
        Files.createDirectory(folder.resolve("transformer"));
        try (ModelSource source =
                ModelSource.ofResource(OutputFailureTest.class.getClassLoader(), "io/lingen/fixtures/lingen-default")) {
            for (String file :
                    List.of("transformer/config.json", "transformer/model.safetensors", "fixture.safetensors")) {
                Files.write(folder.resolve(file), source.read(file));
            }
        }
    }

    @Test
    void usageErrorsKeepTheirExitCode() {
        StringWriter err = new StringWriter();
        CommandLine line =
                Lingen.commandLine().setOut(new PrintWriter(new FullWriter())).setErr(new PrintWriter(err));
        line.getOut().print("lost");
        assertEquals(2, Lingen.run(line, "generate"));
        assertTrue(err.toString().contains(MESSAGE), err.toString());
    }

    /** Uses the standard output of a process instead of a writer of the test. */
    @ParameterizedTest
    @ValueSource(strings = {"--version", "info"})
    void fullDiskOfTheProcessIsAFailure(String command) throws Exception {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.isWritable(full), "this system has no /dev/full");
        Path err = folder.resolve("err.txt");
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Lingen.class.getName(),
                command));
        if (command.equals("info")) {
            words.addAll(List.of("--model", model.toString()));
        }
        Process process = new ProcessBuilder(words)
                .redirectOutput(full.toFile())
                .redirectError(err.toFile())
                .start();
        assertTrue(process.waitFor(100, TimeUnit.SECONDS));
        String said = Files.readString(err);
        assertEquals(1, process.exitValue(), said);
        assertTrue(said.contains(MESSAGE), said);
    }

    /** A writer that fails like standard output on a full disk. */
    private static final class FullWriter extends Writer {
        @Override
        public void write(char[] text, int from, int length) throws IOException {
            throw new IOException("No space left on device");
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
