package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.accounting.MemoryMeter;
import io.lingen.diffusion.SamplingStep;
import io.lingen.vae.FrameStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One pipeline used by many threads, and closed while they use it. */
@Timeout(300)
class SharedPipelineTest {
    private static final int THREADS = 3;

    @TempDir
    static Path model;

    @TempDir
    Path folder;

    private record Made(float[] latent, byte[] file) {}

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j"})
    void concurrentVideosEqualSequentialOnes(String backend) throws Exception {
        try (TextToVideoPipeline pipeline = load(backend);
                ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Made> alone = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                alone.add(make(pipeline, i, "alone"));
            }
            List<Future<Made>> together = new ArrayList<>();
            CountDownLatch ready = new CountDownLatch(THREADS);
            for (int i = 0; i < THREADS; i++) {
                int index = i;
                together.add(threads.submit(() -> {
                    ready.countDown();
                    ready.await();
                    return make(pipeline, index, "together");
                }));
            }
            for (int i = 0; i < THREADS; i++) {
                Made made = together.get(i).get();
                assertArrayEquals(alone.get(i).latent, made.latent, "latent of request " + i);
                assertArrayEquals(alone.get(i).file, made.file, "file of request " + i);
            }
        }
    }

    @Test
    void closingCancelsGenerationsAndFreesMemory() throws Exception {
        TextToVideoPipeline pipeline = load("cpu");
        MemoryMeter memory = pipeline.backend().memory();
        CountDownLatch running = new CountDownLatch(THREADS);
        List<Future<?>> results = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            for (int i = 0; i < THREADS; i++) {
                Path target = folder.resolve("out" + i + ".mp4");
                boolean decoding = i % 2 == 0;
                results.add(threads.submit(() -> {
                    // Not closed: the pipeline frees what its generations hold.
                    Generation generation = pipeline.start(VideoRequest.builder("a ring")
                            .frames(32)
                            .steps(decoding ? 1 : VideoRequest.MAX_STEPS)
                            .build());
                    generation.saveLatents(target, 0, false);
                    Iterator<SamplingStep> steps = generation.steps();
                    steps.next();
                    running.countDown();
                    steps.forEachRemaining(step -> {});
                    while (true) {
                        generation.preview().forEachRemaining(frame -> {});
                    }
                }));
            }
            running.await();
            pipeline.close();
            assertEquals(0, memory.liveBytes(), "leaked tensors");
            for (Future<?> result : results) {
                Throwable error =
                        assertThrows(ExecutionException.class, result::get).getCause();
                GenerationCancelledException cancelled = assertInstanceOf(GenerationCancelledException.class, error);
                assertTrue(cancelled.getMessage().contains("the pipeline was closed"), cancelled.getMessage());
                assertEquals(
                        cancelled.stepsDone(),
                        LatentFile.read(cancelled.latents()).step());
            }
        }
    }

    @Test
    void closedPipelinesReject() throws IOException {
        TextToVideoPipeline pipeline = load("cpu");
        VideoRequest request = VideoRequest.builder("a ring").frames(4).steps(2).build();
        VideoPlan plan = pipeline.plan(request);
        Generation generation = pipeline.start(request);
        Iterator<SamplingStep> steps = generation.steps();
        steps.next();
        FrameStream frames = generation.frames();
        Generation closedBefore = pipeline.start(request);
        closedBefore.close();
        pipeline.close();
        pipeline.close();
        for (Runnable use : List.<Runnable>of(
                () -> pipeline.start(request),
                () -> pipeline.plan(request),
                () -> pipeline.forecast(plan),
                () -> pipeline.provenance(plan),
                pipeline::modelHash,
                pipeline::backend,
                pipeline::denoiser,
                pipeline::decoder,
                pipeline::encoders)) {
            IllegalStateException error = assertThrows(IllegalStateException.class, use::run);
            assertEquals("the pipeline is closed; load another one", error.getMessage());
        }
        assertThrows(IllegalStateException.class, () -> pipeline.generate(request, folder.resolve("out.mp4")));
        assertThrows(GenerationCancelledException.class, steps::next);
        assertThrows(GenerationCancelledException.class, frames::next);
        assertThrows(GenerationCancelledException.class, generation::latent);
        assertThrows(GenerationCancelledException.class, () -> generation.write(folder.resolve("out.mp4")));
        frames.close();
        generation.close();
        assertEquals(
                "the generation is closed",
                assertThrows(IllegalStateException.class, steps::next).getMessage());
        assertThrows(IllegalStateException.class, closedBefore::frames);
    }

    @Test
    void closingFromWithinIsRejected() throws IOException {
        TextToVideoPipeline[] own = new TextToVideoPipeline[1];
        PipelineOptions options = PipelineOptions.defaults().withBackend("cpu").withRewriter(prompt -> {
            own[0].close();
            return prompt;
        });
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options)) {
            own[0] = pipeline;
            IllegalStateException error =
                    assertThrows(IllegalStateException.class, () -> pipeline.start(VideoRequest.of("a ring")));
            assertEquals("the pipeline can't be closed from within its own computation", error.getMessage());
        }
    }

    private Made make(TextToVideoPipeline pipeline, int index, String name) throws IOException {
        // Other lengths, prompts and guidance, so that the threads are at different operations.
        VideoRequest request = VideoRequest.builder("ring number " + index)
                .frames(4 + 4 * (index % 2))
                .steps(2)
                .guidance(index == 1 ? 1 : 3)
                .seed(index)
                .build();
        Path target = folder.resolve(name + index + ".mp4");
        try (Generation generation = pipeline.start(request)) {
            generation.steps().forEachRemaining(step -> {});
            float[] latent = pipeline.backend().download(generation.latent()).toFloats();
            generation.write(target);
            return new Made(latent, Files.readAllBytes(target));
        }
    }

    private static TextToVideoPipeline load(String backend) {
        return TextToVideoPipeline.load(
                model.toString(), PipelineOptions.defaults().withBackend(backend));
    }
}
