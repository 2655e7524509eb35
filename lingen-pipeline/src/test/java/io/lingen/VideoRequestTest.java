package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VideoRequestTest {
    @Test
    void aPromptIsEnough() {
        VideoRequest request = VideoRequest.of("a ring");
        assertEquals("a ring", request.prompt());
        assertEquals("", request.negativePrompt());
        assertNull(request.width());
        assertEquals(0, request.seed());
    }

    @Test
    void aClassTakesThePlaceOfAPrompt() {
        VideoRequest request = VideoRequest.ofLabel(7);
        assertNull(request.prompt());
        assertEquals(7, request.label());
        assertEquals("class 7", request.subject());
        assertEquals(request, request.toBuilder().build());
        VideoRequest prompted = request.toBuilder().prompt("a ring").build();
        assertEquals(VideoRequest.of("a ring"), prompted);
        assertEquals(request, prompted.toBuilder().label(7).build());
        assertEquals("a ring", prompted.subject());
        for (String prompt : new String[] {null, "a ring"}) {
            Integer label = prompt == null ? null : (Integer) 7;
            IllegalArgumentException error = assertThrows(
                    IllegalArgumentException.class,
                    () -> new VideoRequest(prompt, label, "", null, null, null, null, null, null, null, null, null, 0));
            assertEquals(
                    "a request has a prompt or a class label, found " + (prompt == null ? "neither" : "both"),
                    error.getMessage());
        }
    }

    @Test
    void whatCanNotBeIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> VideoRequest.of("  "));
        assertMessage("the length is given in seconds or in frames, found both", b -> b.seconds(1)
                .frames(16));
        assertMessage("the length is a positive number of seconds, found NaN", b -> b.seconds(Double.NaN));
        assertMessage("the length is a positive number of seconds, found -1.0", b -> b.seconds(-1));
        assertMessage("the length is a positive number of frames, found 0", b -> b.frames(0));
        assertMessage("the number of steps is 1 to 10000, found 0", b -> b.steps(0));
        assertMessage("the guidance scale is 0 to 100, found -1.0", b -> b.guidance(-1));
        assertMessage("the guidance scale is 0 to 100, found NaN", b -> b.guidance(Double.NaN));
        assertMessage("fps is 1 to 1000, found 0", b -> b.fps(0));
        assertMessage("the width is a positive number of pixels, found -128", b -> b.size(-128, 128));
        assertMessage("width and height come together", b -> b.size(128, null));
        assertMessage("the schedule is a name of at most 100 characters, found none", b -> b.schedule(" "));
        assertMessage("the class label must be at least 0, found -1", b -> b.label(-1));
        assertMessage(
                "a negative prompt goes with a prompt, found one with a class label; leave it out",
                b -> b.label(1).negativePrompt("noise"));
    }

    @Test
    void promptsMayBeOfAnyScript() {
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
        "'', 'the prompt is empty; say what the video shows'",
        "' \u00a0\u3000\u200b\ufeff\t', 'the prompt is empty; say what the video shows'",
        "a\0b, 'the prompt is text, found the control character \\u0000, as its character 2; remove it'",
        "a\u001b[2J, 'the prompt is text, found the control character \\u001b, as its character 2; remove it'",
        "ab\u0085, 'the prompt is text, found the control character \\u0085, as its character 3; remove it'",
        "\ud83d, 'the prompt is text, found half of a surrogate pair, \\ud83d, as its character 1; remove it'",
        "\ud83c\udf89\udf89, 'the prompt is text, found half of a surrogate pair, \\udf89, as its character 3; remove it'"
    })
    void promptsAreText(String prompt, String message) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> VideoRequest.of(prompt))
                        .getMessage());
        if (!message.contains("empty")) {
            assertMessage(message.replace("the prompt", "the negative prompt"), b -> b.negativePrompt(prompt));
        }
    }

    @Test
    void promptsOfAbsurdLengthAreRefused() {
        assertMessage(
                "the negative prompt has at most 100000 characters, found 10485760",
                b -> b.negativePrompt("x".repeat(10 << 20)));
    }

    @Test
    void absurdNumbersAreRefused() {
        assertMessage("the length is a positive number of seconds, found Infinity", b -> b.seconds(1 / 0.0));
        assertMessage("the length is a positive number of frames, found -2147483648", b -> b.frames(Integer.MIN_VALUE));
        assertMessage("the number of steps is 1 to 10000, found 1000000000", b -> b.steps(1_000_000_000));
        assertMessage("the guidance scale is 0 to 100, found Infinity", b -> b.guidance(1 / 0.0));
        assertMessage("eta is 0 to 1, found 1.5", b -> b.eta(1.5));
        assertMessage("eta is 0 to 1, found NaN", b -> b.eta(Double.NaN));
        assertMessage("fps is 1 to 1000, found 2147483647", b -> b.fps(Integer.MAX_VALUE));
        assertMessage(
                "the schedule is a name of at most 100 characters, found " + "x".repeat(80) + "...",
                b -> b.schedule("x".repeat(101)));
    }

    private static void assertMessage(String message, UnaryOperator<VideoRequest.Builder> change) {
        VideoRequest.Builder builder = change.apply(VideoRequest.builder("a ring"));
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, builder::build).getMessage());
    }
}
