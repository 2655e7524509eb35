package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models whose denoiser and decoder are loaded alternately. */
class OffloadTest {
    private static final VideoRequest REQUEST = VideoRequest.builder("a red circle")
            .size(64, 64)
            .frames(8)
            .steps(2)
            .guidance(2.0)
            .build();

    @TempDir
    Path folder;

    @Test
    void partsGiveTheSameVideoWithLessMemory() throws Exception {
        List<byte[]> together;
        MemoryForecast forecast;
        try (TextToVideoPipeline pipeline = pipeline(Offload.NONE)) {
            forecast = pipeline.forecast(pipeline.plan(REQUEST));
            assertTrue(live(pipeline) > forecast.denoiser() / 2, live(pipeline) + " bytes live");
            together = frames(pipeline);
        }
        try (TextToVideoPipeline pipeline = pipeline(Offload.PARTS)) {
            assertEquals(0, live(pipeline));
            for (int video = 0; video < 2; video++) {
                pipeline.backend().memory().resetPeak();
                List<byte[]> inTurns = frames(pipeline);
                assertEquals(together.size(), inTurns.size());
                for (int i = 0; i < together.size(); i++) {
                    assertArrayEquals(together.get(i), inTurns.get(i));
                }
                assertTrue(live(pipeline) < forecast.denoiser() / 4, live(pipeline) + " bytes live");
            }
            assertTrue(pipeline.forecast(pipeline.plan(REQUEST)).offloaded());
        }
        assertTrue(forecast.asOffloaded().peakBytes() < forecast.peakBytes());
    }

    @Test
    void previewLoadsTheDecoderBesideTheDenoiser() {
        try (TextToVideoPipeline pipeline = pipeline(Offload.PARTS);
                Generation generation = pipeline.start(REQUEST)) {
            long denoising = live(pipeline);
            generation.steps().next();
            try (FrameStream preview = generation.preview()) {
                preview.next();
                assertTrue(live(pipeline) > denoising);
            }
            generation.steps().next();
            try (FrameStream frames = generation.frames()) {
                frames.next();
                assertTrue(live(pipeline) < denoising);
            }
        }
    }

    @Test
    void savedLatentsAreDecodedWithoutTheDenoiser() throws Exception {
        Path video = folder.resolve("out.mp4");
        try (TextToVideoPipeline pipeline = pipeline(Offload.NONE);
                Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(video, 0, true);
            generation.steps().forEachRemaining(step -> {});
        }
        LatentFile latents = LatentFile.find(video);
        try (TextToVideoPipeline pipeline = pipeline(Offload.PARTS);
                Generation generation = pipeline.decode(latents, new CancellationToken())) {
            MemoryForecast forecast = pipeline.forecast(generation.plan());
            generation.write(folder.resolve("decoded.mp4"));
            assertTrue(live(pipeline) < forecast.decoder() + forecast.denoiser() / 2);
        }
    }

    @Test
    void aUseKeepsAPartLoaded() {
        try (TextToVideoPipeline pipeline = pipeline(Offload.PARTS);
                Generation first = pipeline.start(REQUEST);
                Generation second = pipeline.start(REQUEST)) {
            first.steps().forEachRemaining(step -> {});
            try (FrameStream frames = first.frames()) {
                second.steps().forEachRemaining(step -> {});
                assertEquals(8, frames.frameCount());
                frames.next();
            }
        }
    }

    private static TextToVideoPipeline pipeline(Offload offload) {
        return TextToVideoPipeline.load(
                TextToVideoPipeline.NANO,
                PipelineOptions.defaults()
                        .withBackend("cpu")
                        .withPrecision(DType.F32)
                        .withThreads(1)
                        .withOffload(offload));
    }

    private static long live(TextToVideoPipeline pipeline) {
        return pipeline.backend().memory().liveBytes();
    }

    private static List<byte[]> frames(TextToVideoPipeline pipeline) {
        List<byte[]> frames = new ArrayList<>();
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.steps().forEachRemaining(step -> {});
            try (FrameStream stream = generation.frames()) {
                stream.forEachRemaining((Frame frame) -> frames.add(frame.rgb()));
            }
        }
        return frames;
    }
}
