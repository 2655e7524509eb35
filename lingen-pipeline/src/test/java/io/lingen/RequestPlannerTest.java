package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.Shape;
import io.lingen.core.op.Dims3;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.VideoLimits;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestPlannerTest {
    private static final List<SamplingSettings> SAMPLERS = List.of(
            new SamplingSettings("euler", "linear_quadratic", null, List.of(), 50, 3, 0),
            new SamplingSettings("solver", null, 3.0, List.of(), 20, 5, 0),
            new SamplingSettings("distilled", null, null, List.of(1000.0, 757.0, 522.0), 3, 1, 0));
    private static final RequestPlanner LIMITS = limits(new VideoLimits.NativeSize(128, 96, 17));

    @Test
    void absentFieldsTakeTheModelsDefaults() {
        VideoPlan plan = LIMITS.plan(VideoRequest.of("a ring"));
        assertEquals(272, plan.frames());
        assertEquals(Shape.of(16, 34, 12, 16), plan.latent());
        assertEquals(50, plan.steps());
        assertEquals(3, plan.guidance());
        assertEquals("linear_quadratic", plan.sampling().schedule());
        assertEquals(17, plan.seconds());
    }

    @Test
    void givenFieldsOverrideTheDefaults() {
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
        assertEquals("uniform", plan.sampling().schedule());
        assertEquals(false, plan.isGuided());
    }

    @Test
    void eachSamplerHasItsDefaults() {
        assertEquals(SAMPLERS.get(0), sampling(VideoRequest.builder("a ring")));
        for (SamplingSettings sampler : SAMPLERS) {
            assertEquals(sampler, sampling(VideoRequest.builder("a ring").sampler(sampler.sampler())));
        }
        assertEquals(
                new SamplingSettings("solver", null, 8.0, List.of(), 4, 1, 0.5),
                sampling(VideoRequest.builder("a ring")
                        .sampler("solver")
                        .shift(8)
                        .steps(4)
                        .guidance(1)
                        .eta(0.5)));
        assertMessage(
                "sampler must be one of euler, solver, distilled for this model, found 'dmd'",
                VideoRequest.builder("a ring").sampler("dmd"));
    }

    @Test
    void timesTakeThePlaceOfShiftAndSteps() {
        VideoRequest.Builder solver = VideoRequest.builder("a ring").sampler("solver");
        assertEquals(
                new SamplingSettings("solver", null, null, List.of(900.0, 400.0), 2, 5, 0),
                sampling(solver.times(List.of(900.0, 400.0))));
        VideoRequest.Builder distilled = VideoRequest.builder("a ring").sampler("distilled");
        assertEquals(SAMPLERS.get(2), sampling(distilled.steps(3)), "the number of steps of the default times");
        assertEquals(
                new SamplingSettings("distilled", null, null, List.of(), 4, 1, 0),
                sampling(distilled.steps(4)),
                "the default times are for 3 steps");
        assertEquals(
                new SamplingSettings("distilled", null, 5.0, List.of(), 3, 1, 0),
                sampling(distilled.steps(null).shift(5)),
                "the default times exclude a shift");
    }

    private static SamplingSettings sampling(VideoRequest.Builder request) {
        return LIMITS.plan(request.build()).sampling();
    }

    @Test
    void negativePromptsWithoutGuidanceAreRejected() {
        VideoRequest.Builder request = VideoRequest.builder("a ring").negativePrompt("a red circle");
        assertEquals(3, LIMITS.plan(request.build()).guidance());
        assertEquals(0, LIMITS.plan(request.guidance(0).build()).guidance());
        assertMessage(
                "negative prompt must be empty with guidance 1, which does not use it, found \"a red circle\"; omit it, or"
                        + " use another guidance",
                request.guidance(1));
        assertEquals(1, LIMITS.recordedPlan(request.build()).guidance(), "an interrupted video is resumed");
    }

    @Test
    void decimalSecondsGiveWholeFrames() {
        assertEquals(
                24,
                LIMITS.plan(VideoRequest.builder("a ring").fps(20).seconds(1.2).build())
                        .frames());
    }

    @ParameterizedTest
    @CsvSource({
        "130, 128, 'width must be a multiple of 16 up to 256, found 130; use 128 or 144'",
        "128, 1, 'height must be a multiple of 16 up to 256, found 1; use 16 or 32'",
        "300, 128, 'width must be a multiple of 16 up to 256, found 300; use 256'",
        "2147483647, 128, 'width must be a multiple of 16 up to 256, found 2147483647; use 256'",
        "128, 2147483632, 'height must be a multiple of 16 up to 256, found 2147483632; use 256'",
        "272, 128, 'width must be a multiple of 16 up to 256, found 272; use 256'",
    })
    void sizesAreNeverRounded(int width, int height, String message) {
        assertMessage(message, VideoRequest.builder("a ring").size(width, height));
    }

    @ParameterizedTest
    @CsvSource({
        "1.3, 'number of frames must be a multiple of 8 up to 1280, found 20.8 (1.3 s at 16 fps); use 1 s (16 frames) or 1.5 s (24 frames)'",
        "0.01, 'number of frames must be a multiple of 8 up to 1280, found 0.16 (0.01 s at 16 fps); use 0.5 s (8 frames) or 1 s (16 frames)'",
        "100000000, 'number of frames must be a multiple of 8 up to 1280, found 1.60e+09 (100000000 s at 16 fps); use 80 s (1280 frames)'",
        "1e308, 'number of frames must be a multiple of 8 up to 1280, found Infinity (1.00e+308 s at 16 fps); use 80 s (1280 frames)'",
        "5e-324, 'number of frames must be a multiple of 8 up to 1280, found 0 (0 s at 16 fps); use 0.5 s (8 frames) or 1 s (16 frames)'",
        "1000, 'number of frames must be a multiple of 8 up to 1280, found 16000 (1000 s at 16 fps); use 80 s (1280 frames)'",
    })
    void lengthsAreNeverRounded(double seconds, String message) {
        assertMessage(message, VideoRequest.builder("a ring").seconds(seconds));
    }

    @Test
    void framesAreNeverRounded() {
        assertMessage(
                "number of frames must be a multiple of 8 up to 1280, found 17; use 16 or 24",
                VideoRequest.builder("a ring").frames(17));
    }

    @Test
    void modelsWithoutNativeSizeRequireOne() {
        assertEquals(
                "request for this model must contain a size, found none: the model has no default",
                assertThrows(IllegalArgumentException.class, () -> limits(null).plan(VideoRequest.of("a ring")))
                        .getMessage());
    }

    @Test
    void hugeNumbersOfFramesAreRejected() {
        assertMessage(
                "number of frames must be a multiple of 8 up to 1280, found 2147483640; use 1280",
                VideoRequest.builder("a ring").frames(Integer.MAX_VALUE - 7));
    }

    @Test
    void framesCanBeOneMoreThanAMultiple() {
        RequestPlanner planner = planner(true, 3, new SizeRule(1, 4, 81));
        VideoPlan plan = planner.plan(VideoRequest.builder("a ring").frames(9).build());
        assertEquals(Shape.of(16, 3, 16, 16), plan.latent());
        assertRefused(
                planner,
                "number of frames must be 1 + a multiple of 4 up to 81, found 8; use 5 or 9",
                VideoRequest.builder("a ring").frames(8));
        assertRefused(
                planner,
                "number of frames must be 1 + a multiple of 4 up to 81, found 80 (5 s at 16 fps);"
                        + " use 4.8125 s (77 frames) or 5.0625 s (81 frames)",
                VideoRequest.builder("a ring").seconds(5));
        assertRefused(
                planner,
                "number of frames must be 1 + a multiple of 4 up to 81, found 90 (3 s at 30 fps);"
                        + " use 2.7 s (81 frames)",
                VideoRequest.builder("a ring").fps(30).seconds(3));
        assertEquals(
                77,
                planner.plan(VideoRequest.builder("a ring")
                                .fps(30)
                                .seconds(2.566667)
                                .build())
                        .frames(),
                "a length as it is offered");
        assertRefused(
                planner(true, 3, new SizeRule(16, 1, 16)),
                "number of frames must be 16, found 8; use 16",
                VideoRequest.builder("a ring").frames(8));
    }

    @Test
    void unsupportedConditionsAreRejected() {
        SizeRule frames = SizeRule.multiplesOf(8, 160);
        VideoRequest.Builder label = VideoRequest.ofLabel(2).toBuilder();
        assertEquals(2, planner(false, 3, frames).plan(label.build()).request().label());
        assertRefused(
                planner(true, 0, frames), "request for this model must have a prompt, found the class label 2", label);
        assertRefused(planner(true, 2, frames), "class label must be 0 to 1, found 2", label);
        assertRefused(
                planner(false, 3, frames),
                "request for this model must have a class label from 0 to 2, found a prompt",
                VideoRequest.builder("a ring"));
    }

    private static void assertRefused(RequestPlanner planner, String message, VideoRequest.Builder request) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> planner.plan(request.build()))
                        .getMessage());
    }

    private static RequestPlanner planner(boolean prompts, int labels, SizeRule frames) {
        return new RequestPlanner(
                new VideoLimits(
                        prompts,
                        labels,
                        SizeRule.multiplesOf(16, 16),
                        SizeRule.multiplesOf(16, 16),
                        frames,
                        16,
                        new Dims3(4, 8, 8),
                        16,
                        new VideoLimits.NativeSize(128, 128, 1),
                        SAMPLERS),
                settings -> {});
    }

    private static void assertMessage(String message, VideoRequest.Builder request) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> LIMITS.plan(request.build()))
                        .getMessage());
    }

    private static RequestPlanner limits(VideoLimits.NativeSize size) {
        return new RequestPlanner(
                new VideoLimits(
                        true,
                        0,
                        SizeRule.multiplesOf(16, 16),
                        SizeRule.multiplesOf(16, 16),
                        SizeRule.multiplesOf(8, 160),
                        16,
                        new Dims3(8, 8, 8),
                        16,
                        size,
                        SAMPLERS),
                settings -> {});
    }
}
