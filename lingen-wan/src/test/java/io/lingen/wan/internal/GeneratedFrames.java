package io.lingen.wan.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.Generation;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The pixels of generated videos, for tests of whole models. */
public final class GeneratedFrames {
    private GeneratedFrames() {}

    /** Options with which results are reproducible bit for bit. */
    public static PipelineOptions options() {
        return PipelineOptions.defaults()
                .withBackend("cpu")
                .withPrecision(DType.F32)
                .withThreads(1);
    }

    public static List<byte[]> of(Path model, PipelineOptions options, VideoRequest request) {
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options)) {
            return of(pipeline, request);
        }
    }

    public static List<byte[]> of(TextToVideoPipeline pipeline, VideoRequest request) {
        try (Generation generation = pipeline.start(request)) {
            return of(generation);
        }
    }

    public static List<byte[]> of(Generation generation) {
        List<byte[]> frames = new ArrayList<>();
        generation.steps().forEachRemaining(step -> {});
        try (FrameStream stream = generation.frames()) {
            stream.forEachRemaining((Frame frame) -> frames.add(frame.rgb()));
        }
        return frames;
    }

    public static int hash(List<byte[]> frames) {
        return frames.stream().map(Arrays::hashCode).toList().hashCode();
    }

    public static void assertFramesEqual(List<byte[]> expected, List<byte[]> found) {
        assertEquals(expected.size(), found.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), found.get(i));
        }
    }
}
