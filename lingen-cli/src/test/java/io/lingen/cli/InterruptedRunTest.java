package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.LatentFile;
import io.lingen.TinyModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Runs interrupted in another process and resumed in this one. */
@Timeout(300)
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "there are no such signals")
class InterruptedRunTest {
    /** The number of steps: enough to interrupt the run, but few. */
    private static final int STEPS = 120;

    private static final List<String> REQUEST =
            List.of("generate", "a red ring", "--frames", "8", "--steps", "" + STEPS, "--threads", "2");

    @TempDir
    static Path model;

    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    private static byte[] whole;

    @BeforeAll
    static void makeUninterruptedVideo() throws IOException {
        TinyModel.write(model);
        Path file = shared.resolve("whole.mp4");
        Outcome outcome = run(REQUEST, "--model", model, "-o", file);
        assertEquals(0, outcome.code, outcome.err);
        whole = Files.readAllBytes(file);
    }

    @Test
    void killedRunsAreResumed() throws Exception {
        Path target = folder.resolve("out.mp4");
        Process process = interruptible(target);
        process.destroyForcibly();
        assertEquals(128 + 9, process.waitFor());
        LatentFile saved = LatentFile.find(target);
        assertTrue(saved.step() > 0 && saved.step() < STEPS, "step " + saved.step());

        Outcome outcome = run(List.of("resume"), target, "--model", model);
        assertEquals(0, outcome.code, outcome.err);
        assertTrue(outcome.err.contains("at step " + saved.step() + " of " + STEPS), outcome.err);
        assertArrayEquals(whole, Files.readAllBytes(target), "the uninterrupted video, byte for byte");
        assertFalse(Files.exists(saved.path()));
    }

    @Test
    void interruptedRunsPrintTheResumeCommand() throws Exception {
        Path target = folder.resolve("out.mp4");
        Process process = interruptible(target);
        signal(process, isInterruptIgnored() ? "TERM" : "INT");
        assertEquals(130, process.waitFor());
        List<String> said = Files.readAllLines(folder.resolve("log"));
        Path latents = LatentFile.pathFor(target);
        LatentFile saved = LatentFile.read(latents);
        assertEquals("lingen: interrupted after step " + saved.step() + " of " + STEPS, said.get(said.size() - 2));
        assertEquals("to resume: lingen resume " + latents, said.get(said.size() - 1));
        assertEquals(List.of("log", "out.latents.safetensors"), names());

        for (List<String> resume : List.of(List.of("resume"), List.of("generate", "--resume"))) {
            Path other = folder.resolve("other.mp4");
            Outcome outcome = run(resume, latents, "--model", model, "-o", other, "--keep-latents", "-q");
            assertEquals(0, outcome.code, outcome.err);
            assertArrayEquals(whole, Files.readAllBytes(other));
            assertEquals(STEPS, LatentFile.find(other).step(), "a copy, the interrupted one stays");
            assertEquals(saved.step(), LatentFile.read(latents).step());
        }
        for (List<String> decode : List.of(List.of("decode"), List.of("generate", "--from-latents"))) {
            Path again = folder.resolve("again.mp4");
            Outcome outcome = run(decode, folder.resolve("other.mp4"), "--model", model, "-o", again, "-q");
            assertEquals(0, outcome.code, outcome.err);
            assertArrayEquals(whole, Files.readAllBytes(again));
        }

        assertWrongUsage("--seed 3", "found --seed; omit it");
        assertWrongUsage("--precision f32", "--precision must be bf16 to resume");
        assertWrongUsage("--backend nd4j", "--backend must be cpu to resume");
        assertWrongUsage("a-prompt", "found a prompt; omit it");
        assertWrongUsage("--from-latents x", "--resume=FILE, --from-latents=FILE are mutually exclusive");
    }

    /** Asserts a usage error of the alias {@code generate --resume}. */
    private void assertWrongUsage(String options, String message) {
        Outcome outcome = run(
                List.of("generate", "--resume"),
                Stream.concat(Stream.of(folder.resolve("out.mp4"), "--model", model), Arrays.stream(options.split(" ")))
                        .toArray());
        assertEquals(2, outcome.code, outcome.err);
        assertTrue(outcome.err.contains(message), outcome.err);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "resume | 2 | Missing required parameter: 'FILE'",
                "resume out.mp4 | 1 | expected saved latents, found no such file",
                "resume / | 1 | /: expected a video or its latents, found a folder",
                "resume out.mp4 --save-every -1 | 2 | --save-every must be 0 or a positive number of steps",
                "resume out.mp4 --threads 0 | 1 | expected saved latents, found no such file",
                "resume out.mp4 --size 64x64 | 2 | Unknown options: '--size', '64x64'",
                "resume out.mp4 --backend cpu | 2 | Unknown options: '--backend', 'cpu'",
                "resume a.mp4 b.mp4 | 2 | Unmatched argument at index 2: 'b.mp4'",
                "decode out.mp4 | 2 | Missing required option: '--output=FILE'",
                "decode out.mp4 -o out.avi | 1 | expected saved latents, found no such file",
                "decode out.mp4 -o a.mp4 --seed 3 | 2 | Unknown options: '--seed', '3'",
                "generate --resume out.mp4 | 1 | expected saved latents, found no such file",
                "generate --from-latents out.mp4 | 2 | --output must be given with --from-latents",
                "generate a-ring --save-every -1 | 2 | --save-every must be 0 or a positive number of steps",
            })
    void invalidArgumentsAreReported(String arguments, int code, String message) {
        Outcome outcome = run(List.of(arguments.split(" ")));
        assertEquals(code, outcome.code, outcome.err);
        assertTrue(outcome.err.contains(message), outcome.err);
    }

    /** Starts a process and waits until it has saved latents. */
    private Process interruptible(Path target) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Lingen.class.getName()));
        command.addAll(REQUEST);
        command.addAll(List.of("--model", model.toString(), "-o", target.toString(), "--save-every", "2"));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        while (!Files.exists(LatentFile.pathFor(target))) {
            assertFalse(process.waitFor(5, TimeUnit.MILLISECONDS), () -> log());
        }
        return process;
    }

    private String log() {
        try {
            return "ended early: " + Files.readString(folder.resolve("log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static void signal(Process process, String name) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
        assertEquals(0, kill.waitFor());
    }

    /** Whether this process, and so its children, ignore Ctrl-C, as builds in the background do. */
    private static boolean isInterruptIgnored() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return false;
        }
        String mask = Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .findFirst()
                .orElse("SigIgn: 0");
        return (Long.parseUnsignedLong(mask.substring(7).strip(), 16) & 2) != 0;
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static Outcome run(List<String> command, Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = Lingen.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        List<String> all = new ArrayList<>(command);
        Arrays.stream(arguments).map(Object::toString).forEach(all::add);
        return new Outcome(Lingen.run(line, all.toArray(new String[0])), out.toString(), err.toString());
    }

    private record Outcome(int code, String out, String err) {}
}
