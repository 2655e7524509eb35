package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.internal.Disk;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Interrupts of the thread: latents are saved, the interrupt status is kept, and the resumed video is the same. */
@Timeout(120)
class InterruptTest {
    private static final VideoRequest REQUEST = VideoRequest.builder("a red ring")
            .frames(8)
            .steps(12)
            .guidance(3)
            .eta(0.5)
            .seed(5)
            .build();

    @TempDir
    static Path model;

    private static TextToVideoPipeline pipeline;

    @TempDir
    Path folder;

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
        assertFalse(Thread.interrupted(), "the test clears what it sets");
    }

    /** Calls {@code shutdownNow} while the first latents are saved. */
    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "out"})
    void interruptWhileDenoisingSavesTheLatents(String name) throws Exception {
        Path target = folder.resolve(name);
        AtomicBoolean status = new AtomicBoolean();
        ExecutorService executor = Executors.newSingleThreadExecutor();
        onFirstSave(executor::shutdownNow);
        Future<VideoResult> video = executor.submit(() -> {
            try {
                return pipeline.generate(REQUEST, target);
            } finally {
                status.set(Thread.currentThread().isInterrupted());
            }
        });
        Throwable cause = assertThrows(ExecutionException.class, video::get).getCause();
        GenerationCancelledException error = assertInstanceOf(GenerationCancelledException.class, cause);
        assertEquals(5, error.stepsDone(), "the next pass is not computed");
        assertEquals(
                "cancelled by an interrupt after step 5 of 12; resume from " + LatentFile.pathFor(target),
                error.getMessage());
        assertTrue(status.get(), "the thread's interrupt status");
        assertEquals(List.of("out.latents.safetensors"), names());
        assertResumes(target);
    }

    @Test
    void cancelledFutureStopsBeforeTheNextPass() throws Exception {
        Path target = folder.resolve("out.mp4");
        ExecutorService executor = Executors.newSingleThreadExecutor();
        CompletableFuture<Future<VideoResult>> submitted = new CompletableFuture<>();
        onFirstSave(() -> submitted.join().cancel(true));
        submitted.complete(executor.submit(() -> pipeline.generate(REQUEST, target)));
        executor.shutdown();
        assertTrue(executor.awaitTermination(60, TimeUnit.SECONDS));
        assertEquals(5, LatentFile.find(target).step());
        assertResumes(target);
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "out"})
    void interruptWhileDecodingKeepsTheLatents(String name) throws IOException {
        Path target = folder.resolve(name);
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 5, false);
            generation.steps().forEachRemaining(step -> {});
            GenerationCancelledException error = assertThrows(
                    GenerationCancelledException.class,
                    () -> generation.write(VideoOutput.of(target), interruptedAfter(3, generation.frames())));
            assertTrue(Thread.interrupted(), "the thread's interrupt status");
            assertTrue(error.getMessage().contains("after all 12 steps and 3 frames"), error.getMessage());
        }
        assertEquals(List.of("out.latents.safetensors"), names());
        assertResumes(target);
    }

    /** After the last frame it is too late to cancel: the video and its sidecar are completed. */
    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "out"})
    void interruptAfterTheLastFrameCompletesTheVideo(String name) throws IOException {
        Path target = folder.resolve(name);
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 5, false);
            generation.steps().forEachRemaining(step -> {});
            VideoResult result = generation.write(VideoOutput.of(target), interruptedAfter(8, generation.frames()));
            assertTrue(Thread.interrupted(), "the thread's interrupt status");
            assertEquals(result.provenance(), VideoProvenance.parse("json", Files.readString(result.sidecar())));
        }
        assertEquals(Stream.of("out.json", name).sorted().toList(), names());
        assertComplete(target);
    }

    /** The existing files are checked while the thread is interrupted. */
    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "out"})
    void anInterruptAfterTheLastFrameReplacesEarlierFiles(String name) throws IOException {
        Path target = folder.resolve(name);
        pipeline.generate(REQUEST.toBuilder().steps(1).build(), target);
        interruptAfterTheLastFrameCompletesTheVideo(name);
    }

    @Test
    void interruptedThreadsStartNothingButReadLatents() throws IOException {
        Path target = folder.resolve("out.mp4");
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 1, false);
            generation.steps().next();
        }
        Thread.currentThread().interrupt();
        try {
            assertThrows(GenerationCancelledException.class, () -> pipeline.start(REQUEST));
            assertThrows(GenerationCancelledException.class, () -> pipeline.generate(REQUEST, target));
            LatentFile saved = LatentFile.find(target);
            assertEquals(1, saved.step());
            GenerationCancelledException error =
                    assertThrows(GenerationCancelledException.class, () -> pipeline.resume(saved));
            assertEquals(saved.path(), error.latents());
        } finally {
            assertTrue(Thread.interrupted());
        }
        assertResumes(target);
    }

    /** Runs an action on the thread that saves, during its first save. */
    private static void onFirstSave(Runnable action) {
        AtomicBoolean done = new AtomicBoolean();
        Disk.observe(call -> {
            if (call.startsWith("rename") && call.endsWith(LatentFile.ENDING) && !done.getAndSet(true)) {
                action.run();
            }
        });
    }

    private static Iterator<Frame> interruptedAfter(int count, FrameStream frames) {
        return new Iterator<>() {
            private int taken;

            @Override
            public boolean hasNext() {
                if (taken == count) {
                    Thread.currentThread().interrupt();
                }
                return frames.hasNext();
            }

            @Override
            public Frame next() {
                taken++;
                return frames.next();
            }
        };
    }

    private void assertResumes(Path target) throws IOException {
        try (Generation generation = pipeline.resume(LatentFile.find(target))) {
            generation.saveLatents(target, 5, false);
            generation.write(target);
        }
        assertComplete(target);
    }

    /** Asserts that the file equals the uninterrupted video, byte for byte. */
    private void assertComplete(Path target) throws IOException {
        Path whole = Files.createDirectory(folder.resolve("whole")).resolve(target.getFileName());
        pipeline.generate(REQUEST, whole);
        Map<String, byte[]> expected = contents(whole);
        Map<String, byte[]> found = contents(target);
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((file, bytes) -> assertArrayEquals(bytes, found.get(file), file));
    }

    private static Map<String, byte[]> contents(Path video) throws IOException {
        Map<String, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(video)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                contents.put(video.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        return contents;
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
