package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VideoRequestTest {
    @Test
    void promptIsSufficient() {
        VideoRequest request = VideoRequest.of("a ring");
        assertEquals("a ring", request.prompt());
        assertEquals("", request.negativePrompt());
        assertNull(request.width());
        assertEquals(0, request.seed());
    }

    @Test
    void labelReplacesThePrompt() {
        VideoRequest request = VideoRequest.ofLabel(7);
        assertNull(request.prompt());
        assertEquals(7, request.label());
        assertEquals("class 7", request.subject());
        assertEquals(request, request.toBuilder().build());
        VideoRequest prompted = request.toBuilder().prompt("a ring").build();
        assertEquals(VideoRequest.of("a ring"), prompted);
        assertEquals(request, prompted.toBuilder().label(7).build());
        assertEquals("a ring", prompted.subject());
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class,
                () -> new VideoRequest(
                        "a ring", 7, "", null, null, null, null, null, null, null, null, null, null, null, null, 0));
        assertEquals("request must have either a prompt or a class label, found both", error.getMessage());
    }

    @Test
    void requestsMayHaveNoCondition() {
        VideoRequest request = VideoRequest.unconditional();
        assertNull(request.prompt());
        assertNull(request.label());
        assertEquals("unconditional", request.subject());
        assertEquals(request, request.toBuilder().build());
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class,
                () -> request.toBuilder().negativePrompt("noise").build());
        assertEquals("negative prompt must be empty without a prompt, found one; omit it", error.getMessage());
    }

    @Test
    void invalidComponentsAreRejected() {
        assertThrows(IllegalArgumentException.class, () -> VideoRequest.of("  "));
        assertMessage("length must be given either in seconds or in frames, found both", b -> b.seconds(1)
                .frames(16));
        assertMessage("length must be a positive number of seconds, found NaN", b -> b.seconds(Double.NaN));
        assertMessage("length must be a positive number of seconds, found -1.0", b -> b.seconds(-1));
        assertMessage("number of frames must be positive, found 0", b -> b.frames(0));
        assertMessage("number of steps must be 1 to 10000, found 0", b -> b.steps(0));
        assertMessage("guidance must be 0 to 100, found -1.0", b -> b.guidance(-1));
        assertMessage("guidance must be 0 to 100, found NaN", b -> b.guidance(Double.NaN));
        assertMessage("fps must be 1 to 1000, found 0", b -> b.fps(0));
        assertMessage("width must be a positive number of pixels, found -128", b -> b.size(-128, 128));
        assertMessage("width and height must be given together, found only the width", b -> b.size(128, null));
        assertMessage("schedule must be a name of 1 to 100 characters, found \" \"", b -> b.schedule(" "));
        assertMessage("sampler must be a name of 1 to 100 characters, found \"\"", b -> b.sampler(""));
        assertMessage("shift must be above 0 and at most 1000, found 0.0", b -> b.shift(0));
        assertMessage("shift must be above 0 and at most 1000, found 1000.5", b -> b.shift(1000.5));
        assertMessage("shift must be above 0 and at most 1000, found NaN", b -> b.shift(Double.NaN));
        assertMessage("class label must be at least 0, found -1", b -> b.label(-1));
        assertMessage("negative prompt must be empty with a class label, found one; omit it", b -> b.label(1)
                .negativePrompt("noise"));
    }

    @Test
    void timesDecreaseAndDetermineTheSteps() {
        List<Double> times = new ArrayList<>(List.of(1000.0, 757.0, 522.0));
        VideoRequest request = VideoRequest.builder("a ring").times(times).build();
        times.clear();
        assertEquals(List.of(1000.0, 757.0, 522.0), request.times());
        assertNull(request.steps());
        assertEquals(3, request.toBuilder().steps(3).build().steps());
        assertMessage("number of steps must be that of the times, 2, found 4; omit the steps", b -> b.steps(4)
                .times(List.of(900.0, 400.0)));
        assertMessage("shift must be absent with times, found 5.0; omit one of them", b -> b.shift(5)
                .times(List.of(900.0)));
        String rule = "times must be 1 to 1000 positive numbers in decreasing order, found ";
        assertMessage(rule + "[]", b -> b.times(List.of()));
        assertMessage(rule + "[900.0, 900.0]", b -> b.times(List.of(900.0, 900.0)));
        assertMessage(rule + "[900.0, NaN]", b -> b.times(List.of(900.0, Double.NaN)));
        assertMessage(rule + "[1.0, 0.0]", b -> b.times(List.of(1.0, 0.0)));
        List<Double> many =
                DoubleStream.iterate(1001, time -> time - 1).limit(1001).boxed().toList();
        assertMessage(rule + many.toString().substring(0, 80) + "...", b -> b.times(many));
    }

    @Test
    void promptsOfAllScriptsAreAccepted() {
        for (String prompt : new String[] {
            "\u7ea2\u8272\u7684\u5706",
            "\u062f\u0627\u0626\u0631\u0629 \u062d\u0645\u0631\u0627\u0621",
            "\ud83d\udc69\u200d\ud83d\udcbb \ud83c\udf89",
            "e\u0301\u0301\u0301",
            "two\tlines\r\nof text",
            "x".repeat(VideoRequest.MAX_PROMPT)
        }) {
            assertEquals(prompt, VideoRequest.of(prompt).prompt());
            assertEquals(
                    prompt,
                    VideoRequest.builder("a").negativePrompt(prompt).build().negativePrompt());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'', 'prompt must contain visible characters, found none; describe the video'",
        "' \u00a0\u3000\u200b\ufeff\t', 'prompt must contain visible characters, found none; describe the video'",
        "a\0b, 'prompt must be text, found the control character \\u0000 at character 2; remove it'",
        "a\u001b[2J, 'prompt must be text, found the control character \\u001b at character 2; remove it'",
        "ab\u0085, 'prompt must be text, found the control character \\u0085 at character 3; remove it'",
        "\ud83d, 'prompt must be text, found the unpaired surrogate \\ud83d at character 1; remove it'",
        "\ud83c\udf89\udf89, 'prompt must be text, found the unpaired surrogate \\udf89 at character 3; remove it'"
    })
    void emptyPromptsAndControlCharactersAreRejected(String prompt, String message) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> VideoRequest.of(prompt))
                        .getMessage());
        if (!message.contains("visible")) {
            assertMessage(message.replace("prompt must", "negative prompt must"), b -> b.negativePrompt(prompt));
        }
    }

    @Test
    void oversizedPromptsAreRejected() {
        assertMessage(
                "negative prompt must have at most 100000 characters, found 10485760",
                b -> b.negativePrompt("x".repeat(10 << 20)));
    }

    @Test
    void extremeNumbersAreRejected() {
        assertMessage("length must be a positive number of seconds, found Infinity", b -> b.seconds(1 / 0.0));
        assertMessage("number of frames must be positive, found -2147483648", b -> b.frames(Integer.MIN_VALUE));
        assertMessage("number of steps must be 1 to 10000, found 1000000000", b -> b.steps(1_000_000_000));
        assertMessage("guidance must be 0 to 100, found Infinity", b -> b.guidance(1 / 0.0));
        assertMessage("eta must be 0 to 1, found 1.5", b -> b.eta(1.5));
        assertMessage("eta must be 0 to 1, found NaN", b -> b.eta(Double.NaN));
        assertMessage("fps must be 1 to 1000, found 2147483647", b -> b.fps(Integer.MAX_VALUE));
        assertMessage(
                "schedule must be a name of 1 to 100 characters, found \"" + "x".repeat(80) + "...\"",
                b -> b.schedule("x".repeat(101)));
    }

    private static void assertMessage(String message, UnaryOperator<VideoRequest.Builder> change) {
        VideoRequest.Builder builder = change.apply(VideoRequest.builder("a ring"));
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, builder::build).getMessage());
    }
}
