package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.internal.Disk;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checks by the order of file operations that a power failure leaves either the latents, or the video and its sidecar, on disk. */
class DurabilityTest {
    private static final int FRAMES = 4;
    private static final VideoRequest REQUEST = VideoRequest.builder("a red ring")
            .frames(FRAMES)
            .steps(2)
            .guidance(1)
            .build();
    private static final String LATENTS = "out.latents.safetensors";
    private static final String SIDECAR = "out.json";

    @TempDir
    static Path model;

    private static TextToVideoPipeline pipeline;

    @TempDir
    Path folder;

    private final List<String> calls = Collections.synchronizedList(new ArrayList<>());

    @BeforeAll
    static void load() throws IOException {
        pipeline = TextToVideoPipeline.load(
                TinyModel.write(model).toString(), PipelineOptions.defaults().withBackend("cpu"));
    }

    @AfterAll
    static void close() {
        pipeline.close();
    }

    @AfterEach
    void endObservation() {
        Disk.observe(null);
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif"})
    void latentsAreDeletedAfterVideoAndSidecarAreOnDisk(String name) throws IOException {
        List<String> expected = new ArrayList<>(replaced(LATENTS));
        expected.addAll(replaced(LATENTS));
        expected.addAll(replaced(name));
        expected.addAll(replaced(SIDECAR));
        expected.add("remove " + LATENTS);
        generate(name);
        assertEquals(expected, calls);
        calls.clear();
        generate(name);
        assertEquals(expected, calls, "over an existing video");
    }

    @Test
    void latentsAreDeletedAfterAllFramesAreOnDisk() throws IOException {
        List<String> before = new ArrayList<>(replaced(LATENTS));
        before.addAll(replaced(LATENTS));
        before.addAll(Collections.nCopies(FRAMES, "sync FRAME"));
        before.add("sync-folder PARTIAL-out");
        List<String> after = new ArrayList<>(List.of("rename PARTIAL-out out", "sync-folder FOLDER"));
        after.addAll(replaced(SIDECAR));
        after.add("remove " + LATENTS);
        generate("out");
        assertEquals(concat(before, after), calls);
        calls.clear();
        generate("out");
        assertEquals(concat(concat(before, List.of("rename out REPLACED-out")), after), calls, "over existing frames");
    }

    @Test
    void latentsAreDeletedAfterTheVideoWithoutSidecarIsOnDisk() throws IOException {
        observe("out.mp4");
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(folder.resolve("out.mp4"), 0, false);
            generation.write(VideoOutput.of(folder.resolve("out.mp4")).withoutSidecar());
        }
        assertEquals(concat(concat(replaced(LATENTS), replaced("out.mp4")), List.of("remove " + LATENTS)), calls);
    }

    @Test
    void theSidecarOfAnEarlierVideoIsRemovedWhenTheNewVideoIsOnTheDisk() throws IOException {
        Path target = folder.resolve("out.mp4");
        pipeline.generate(REQUEST, target);
        observe("out.mp4");
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 0, false);
            generation.write(VideoOutput.of(target).withoutSidecar());
        }
        assertEquals(
                concat(
                        concat(replaced(LATENTS), replaced("out.mp4")),
                        List.of("remove " + SIDECAR, "remove " + LATENTS)),
                calls);
    }

    @Test
    void latentsAreKeptIfWritingTheSidecarFails() throws IOException {
        Path target = folder.resolve("out.mp4");
        Disk.observe(call -> {
            calls.add(call);
            if (call.startsWith("rename") && call.endsWith(" out.mp4")) {
                // The names of the sidecar are taken when the video has its name.
                for (String name : List.of("out.json", "out.mp4.json")) {
                    try {
                        Files.createDirectory(folder.resolve(name));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                }
            }
        });
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 0, false);
            assertThrows(FileAlreadyExistsException.class, () -> generation.write(target));
        }
        assertTrue(Files.exists(target));
        assertTrue(Files.exists(folder.resolve(LATENTS)));
        assertTrue(calls.stream().noneMatch(call -> call.startsWith("remove")), calls.toString());
    }

    private void generate(String name) throws IOException {
        observe(name);
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(folder.resolve(name), 1, false);
            generation.write(folder.resolve(name));
        }
    }

    /** The calls after which a file durably has its name. */
    private static List<String> replaced(String name) {
        return List.of("sync PARTIAL-" + name, "rename PARTIAL-" + name + " " + name, "sync-folder FOLDER");
    }

    private static List<String> concat(List<String> first, List<String> second) {
        List<String> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }

    /** Starts recording the calls, without the parts of names that differ between runs. */
    private void observe(String name) {
        Disk.observe(call -> calls.add(Arrays.stream(call.split(" "))
                .map(word -> {
                    if (word.equals(folder.getFileName().toString())) {
                        return "FOLDER";
                    }
                    for (String target : List.of(LATENTS, SIDECAR, name)) {
                        if (word.startsWith("." + target + ".")) {
                            return word.substring(word.lastIndexOf('.') + 1).toUpperCase(Locale.ROOT) + "-" + target;
                        }
                    }
                    return word.matches("\\d+\\.png") ? "FRAME" : word;
                })
                .collect(Collectors.joining(" "))));
    }
}
