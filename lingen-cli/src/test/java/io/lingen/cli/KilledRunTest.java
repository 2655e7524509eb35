package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.LatentFile;
import io.lingen.TinyModel;
import io.lingen.VideoProvenance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs that are killed at random moments and then completed. The files equal those of an uninterrupted run, byte for byte, and there are no
 * others. {@code -Dlingen.kills} sets the number of moments, and {@code -Dlingen.seed} the seed; a failure names both.
 */
@Timeout(7200)
class KilledRunTest {
    private static final int DEFAULT_COUNT = 2;
    private static final List<String> NAMES = List.of("out.mp4", "out.webm", "out.webp", "out.gif", "out");
    private static final String PROMPTS = "a red ring\na blue ring\na star\n";

    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    /** Runs with and without an older video of the same name. */
    @Test
    void killedVideosAreCompleted() throws Exception {
        Map<String, Map<String, String>> wholes = new HashMap<>();
        long nanos = duration(video(folder(".timed").resolve("out.mp4")));
        forEachMoment("single video", (run, random) -> {
            String name = NAMES.get(random.nextInt(NAMES.size()));
            if (!wholes.containsKey(name)) {
                wholes.put(name, made("whole-" + name, name, this::video));
            }
            Map<String, String> whole = wholes.get(name);
            Path target = folder(run).resolve(name);
            if (random.nextBoolean()) {
                execute(olderVideo(target));
            }
            Map<String, String> before = videos(contents(target.getParent()));
            boolean killed = kill(video(target), nanos, random);
            Map<String, String> left = videos(contents(target.getParent()));
            assertTrue(
                    left.isEmpty() || left.equals(before) || left.equals(videos(whole)),
                    "an incomplete video has its name: " + left.keySet());
            if (Files.exists(LatentFile.pathFor(target))) {
                execute("resume", target, "--model", model);
            } else if (!contents(target.getParent()).equals(whole)) {
                execute(video(target));
            }
            assertEquals(whole, contents(target.getParent()));
            return killed;
        });
    }

    @Test
    void killedBatchesAreCompleted() throws Exception {
        Files.writeString(folder.resolve("prompts.txt"), PROMPTS);
        Map<String, String> whole = made("whole", "clip.mp4", this::batch);
        long nanos = duration(batch(folder(".timed").resolve("clip.mp4")));
        forEachMoment("batch", (run, random) -> {
            Path target = folder(run).resolve("clip.mp4");
            boolean killed = kill(batch(target), nanos, random);
            videos(contents(target.getParent()))
                    .forEach((name, content) -> assertEquals(whole.get(name), content, name));
            execute(batch(target));
            assertEquals(whole, contents(target.getParent()));
            return killed;
        });
    }

    /** Kills one run and completes it; returns whether it was killed before its end. */
    private interface Moment {
        boolean run(String name, Random random) throws Exception;
    }

    private static void forEachMoment(String kind, Moment moment) throws Exception {
        int count = Integer.getInteger("lingen.kills", DEFAULT_COUNT);
        long seed = Long.getLong("lingen.seed", 0);
        int killed = 0;
        for (int i = 0; i < count; i++) {
            try {
                killed += moment.run("run" + i, new Random(seed * 1_000_003 + i)) ? 1 : 0;
            } catch (AssertionError e) {
                throw new AssertionError(
                        kind + ", moment " + i + "; again with -Dlingen.seed=" + seed + " -Dlingen.kills=" + count, e);
            }
        }
        System.out.printf("%s: %d of %d runs killed, all completed, seed %d%n", kind, killed, count, seed);
        assertTrue(count < 20 || killed > count / 2, killed + " of " + count + " runs were killed before their end");
    }

    private Object[] video(Path target) {
        return command("generate", "a red ring", target, 24);
    }

    private Object[] olderVideo(Path target) {
        return command("generate", "a star", target, 2);
    }

    private Object[] batch(Path target) {
        return command("batch", folder.resolve("prompts.txt"), target, 12);
    }

    private static Object[] command(String verb, Object subject, Path target, int steps) {
        return new Object[] {
            verb,
            subject,
            "-o",
            target,
            "--model",
            model,
            "--frames",
            8,
            "--steps",
            steps,
            "--save-every",
            1,
            "--threads",
            2
        };
    }

    private Path folder(String name) throws IOException {
        return Files.createDirectory(folder.resolve(name));
    }

    /** The files of an uninterrupted command. */
    private Map<String, String> made(String folder, String name, Function<Path, Object[]> command) throws IOException {
        Path target = folder(folder).resolve(name);
        execute(command.apply(target));
        return contents(target.getParent());
    }

    private static void execute(Object... command) {
        CommandRun run = CommandRun.of(command);
        assertEquals(0, run.code(), run.err());
    }

    /** The time from the first line that a process prints to its end. */
    private long duration(Object... command) throws IOException, InterruptedException {
        Process process = start(command);
        long start = System.nanoTime();
        assertEquals(0, process.waitFor(), this::log);
        return System.nanoTime() - start;
    }

    private boolean kill(Object[] command, long nanos, Random random) throws IOException, InterruptedException {
        Process process = start(command);
        boolean ended = process.waitFor((long) (random.nextDouble() * nanos), TimeUnit.NANOSECONDS);
        process.destroyForcibly().waitFor();
        return !ended;
    }

    /** Starts a process and waits for its first line, before which it touches no files. */
    private Process start(Object... command) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Lingen.class.getName()));
        Arrays.stream(command).map(Object::toString).forEach(words::add);
        Path log = folder.resolve("log");
        Files.deleteIfExists(log);
        Process process = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        while (!log().contains("loading")) {
            assertTrue(process.isAlive(), this::log);
            Thread.sleep(2);
        }
        return process;
    }

    private String log() {
        try {
            return Files.exists(folder.resolve("log")) ? Files.readString(folder.resolve("log")) : "";
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The files of a folder by name: a digest, or the provenance of a sidecar, whose times differ between runs. */
    private static Map<String, String> contents(Path folder) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = folder.relativize(file).toString();
                contents.put(
                        name,
                        name.endsWith(".json")
                                ? VideoProvenance.parse(name, Files.readString(file))
                                        .toJson()
                                : sha256(Files.readAllBytes(file)));
            }
        }
        return contents;
    }

    /** The files without sidecars, latents and partial files. */
    private static Map<String, String> videos(Map<String, String> contents) {
        Map<String, String> videos = new TreeMap<>(contents);
        videos.keySet()
                .removeIf(name -> name.startsWith(".") || name.endsWith(".json") || name.endsWith(LatentFile.ENDING));
        return videos;
    }
}
