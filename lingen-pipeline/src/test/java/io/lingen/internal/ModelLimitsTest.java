package io.lingen.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.ModelIndex;
import io.lingen.SamplingDefaults;
import io.lingen.VideoPlan;
import io.lingen.VideoRequest;
import io.lingen.core.Shape;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelLimitsTest {
    private static final ModelLimits LIMITS = limits(new ModelIndex.NativeSize(128, 96, 17));

    @Test
    void whatIsOpenIsTheModelsChoice() {
        VideoPlan plan = LIMITS.plan(VideoRequest.of("a ring"));
        assertEquals(272, plan.frames());
        assertEquals(Shape.of(16, 34, 12, 16), plan.latent());
        assertEquals(50, plan.steps());
        assertEquals(3, plan.guidance());
        assertEquals("linear_quadratic", plan.schedule());
        assertEquals(17, plan.seconds());
    }

    @Test
    void whatIsAskedForIsDone() {
        VideoPlan plan = LIMITS.plan(VideoRequest.builder("a ring")
                .size(64, 32)
                .seconds(1.5)
                .fps(32)
                .steps(4)
                .guidance(1)
                .schedule("uniform")
                .build());
        assertEquals(48, plan.frames());
        assertEquals(Shape.of(16, 6, 4, 8), plan.latent());
        assertEquals(4, plan.steps());
        assertEquals("uniform", plan.schedule());
        assertEquals(false, plan.isGuided());
    }

    @Test
    void decimalSecondsAreExactEnough() {
        assertEquals(
                24,
                LIMITS.plan(VideoRequest.builder("a ring").fps(20).seconds(1.2).build())
                        .frames());
    }

    @ParameterizedTest
    @CsvSource({
        "130, 128, 'the width is a multiple of 16 up to 256, found 130; use 128 or 144'",
        "128, 1, 'the height is a multiple of 16 up to 256, found 1; use 16 or 32'",
        "300, 128, 'the width is a multiple of 16 up to 256, found 300; use 256'",
        "2147483647, 128, 'the width is a multiple of 16 up to 256, found 2147483647; use 256'",
        "128, 2147483632, 'the height is a multiple of 16 up to 256, found 2147483632; use 256'",
        "272, 128, 'the width is a multiple of 16 up to 256, found 272; use 256'",
    })
    void sizesAreNeverRounded(int width, int height, String message) {
        assertMessage(message, VideoRequest.builder("a ring").size(width, height));
    }

    @ParameterizedTest
    @CsvSource({
        "1.3, 'a length of 1.3 s at 16 fps is 20.8 frames, and the model makes multiples of 8 up to 1280; use 1 s (16 frames) or 1.5 s (24 frames)'",
        "0.01, 'a length of 0.01 s at 16 fps is 0.16 frames, and the model makes multiples of 8 up to 1280; use 0.5 s (8 frames) or 1 s (16 frames)'",
        "100000000, 'a length of 100000000 s at 16 fps is 1.60e+09 frames, and the model makes multiples of 8 up to 1280; use 80 s (1280 frames)'",
        "1e308, 'a length of 1.00e+308 s at 16 fps is Infinity frames, and the model makes multiples of 8 up to 1280; use 80 s (1280 frames)'",
        "5e-324, 'a length of 0 s at 16 fps is 0 frames, and the model makes multiples of 8 up to 1280; use 0.5 s (8 frames) or 1 s (16 frames)'",
        "1000, 'a length of 1000 s at 16 fps is 16000 frames, and the model makes multiples of 8 up to 1280; use 80 s (1280 frames)'",
    })
    void lengthsAreNeverRounded(double seconds, String message) {
        assertMessage(message, VideoRequest.builder("a ring").seconds(seconds));
    }

    @Test
    void framesAreNeverRounded() {
        assertMessage(
                "the number of frames is a multiple of 8 up to 1280, found 17; use 16 or 24",
                VideoRequest.builder("a ring").frames(17));
    }

    @Test
    void aModelWithoutANativeSizeAsksForOne() {
        assertEquals(
                "the model names no native size; give the request a size",
                assertThrows(IllegalArgumentException.class, () -> limits(null).plan(VideoRequest.of("a ring")))
                        .getMessage());
    }

    @Test
    void absurdNumbersOfFramesAreRefused() {
        assertMessage(
                "the number of frames is a multiple of 8 up to 1280, found 2147483640; use 1280",
                VideoRequest.builder("a ring").frames(Integer.MAX_VALUE - 7));
    }

    private static void assertMessage(String message, VideoRequest.Builder request) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> LIMITS.plan(request.build()))
                        .getMessage());
    }

    private static ModelLimits limits(ModelIndex.NativeSize size) {
        return new ModelLimits(
                new ModelIndex(16, "transformer", "vae", List.of("text_encoder"), "scheduler", null, size),
                new SamplingDefaults("linear_quadratic", 50, 3, 0),
                new Grid(8, 8, 8),
                new PatchSize(1, 2, 2),
                new Grid(160, 16, 16),
                16);
    }
}
