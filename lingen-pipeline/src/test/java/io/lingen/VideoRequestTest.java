package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

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
        assertMessage(
                "unknown schedule 'x'; known are linear_quadratic, uniform, shifted, shifted:S", b -> b.schedule("x"));
    }

    private static void assertMessage(String message, UnaryOperator<VideoRequest.Builder> change) {
        VideoRequest.Builder builder = change.apply(VideoRequest.builder("a ring"));
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, builder::build).getMessage());
    }
}
