package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VideoProvenanceTest {
    private static final VideoRequest REQUEST = VideoRequest.builder("a \"red\" circle\nand a \u00fc \ud83d\ude00")
            .negativePrompt("noise")
            .size(128, 64)
            .frames(16)
            .fps(8)
            .steps(50)
            .guidance(0.1 + 0.2)
            .schedule("shifted:2.5")
            .eta(0.75)
            .seed(Long.MIN_VALUE)
            .build();
    private static final VideoProvenance PROVENANCE =
            new VideoProvenance("1.2", "nano", "b44a", "cpu", "bf16", REQUEST, null, null);

    @Test
    void whatIsWrittenIsRead() {
        String json = PROVENANCE.toJson();
        assertEquals(1, json.lines().count());
        assertEquals(PROVENANCE, VideoProvenance.parse("tag", json));
        assertEquals(REQUEST.prompt(), PROVENANCE.encodedPrompt());

        VideoProvenance rewritten = new VideoProvenance("1.2", "nano", "b44a", "cpu", "bf16", REQUEST, "a ring", null);
        assertEquals(rewritten, VideoProvenance.parse("tag", rewritten.toJson()));
        assertEquals("a ring", rewritten.encodedPrompt());
    }

    @Test
    void aClassStandsInThePlaceOfThePrompts() {
        VideoRequest request = REQUEST.toBuilder().negativePrompt("").label(23).build();
        VideoProvenance provenance = new VideoProvenance("1.2", "toy", "b44a", "cpu", "bf16", request, null, null);
        assertTrue(provenance.toJson().contains("\"request\":{\"label\":23,\"width\":128"), provenance.toJson());
        assertEquals(provenance, VideoProvenance.parse("tag", provenance.toJson()));
        assertNull(provenance.encodedPrompt());
        String both = provenance.toJson().replace("\"label\":23", "\"label\":23,\"prompt\":\"a ring\"");
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> VideoProvenance.parse("out.mp4", both));
        assertTrue(error.getMessage().contains("request.prompt"), error.getMessage());
    }

    @Test
    void withoutEtaTheStepsWereEulers() {
        String json = PROVENANCE.toJson().replace(",\"eta\":0.75", "");
        assertEquals(0, VideoProvenance.parse("tag", json).request().eta());
    }

    @Test
    void theTagIsKnown() {
        assertTrue(
                PROVENANCE
                        .toJson()
                        .startsWith(
                                "{\"lingen\":\"1.2\",\"model\":\"nano\",\"model_sha256\":\"b44a\",\"backend\":\"cpu\","
                                        + "\"precision\":\"bf16\",\"request\":{\"prompt\":\"a \\\"red\\\" circle\\nand"),
                PROVENANCE.toJson());
    }

    @Test
    void theFileBesideMayHoldMore() {
        String json = PROVENANCE.toJson().replaceFirst("\\{", "{\"video\": \"out.mp4\", \"times_s\": {\"load\": 1},");
        assertEquals(PROVENANCE, VideoProvenance.parse("out.json", json));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"steps\":50 | \"steps\":99999 | number of steps must be 1 to 10000, found 99999",
                "\"steps\":50 | \"steps\":1e9 | field 'request.steps': found 1.0E9, expected an integer",
                "\"steps\":50 | \"steps\":null | field 'request.steps': found null",
                "\"width\":128 | \"width\":-128 | field 'request.width': found -128, expected an integer from 1",
                "\"frames\":16 | \"frames\":99999999999 | field 'request.frames': found 99999999999",
                "\"fps\":8 | \"fps\":\"8\" | field 'request.fps': found \"8\"",
                "\"fps\":8 | \"fps\":8,\"fps\":9 | Duplicate field 'fps'",
                "0.30000000000000004 | 1e400 | field 'request.guidance'",
                "0.75 | 1.5 | field 'request.eta': found 1.5",
                "-9223372036854775808 | 9223372036854775808 | field 'request.seed'",
                "\"noise\" | null | field 'request.negative_prompt': found null, expected a string",
                "\"seed\" | \"cfg\":1,\"seed\" | unknown field 'request.cfg'",
                "\"backend\":\"cpu\" | \"backend\":7 | field 'backend': found 7, expected a string",
                "\"model_sha256\":\"b44a\", | `` | field 'model_sha256': found nothing",
            })
    void whatCanNotBeIsRefused(String found, String replacement, String message) {
        String json = PROVENANCE.toJson().replace(found, replacement);
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> VideoProvenance.parse("out.mp4", json), json);
        assertTrue(error.getMessage().startsWith("out.mp4: "), error.getMessage());
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void textThatIsNoProvenanceIsRejected() {
        for (String text : new String[] {"", "made with love", "[]", "{}", "{\"request\": 3}", "{\"request\": {}}"}) {
            CheckpointException error =
                    assertThrows(CheckpointException.class, () -> VideoProvenance.parse("out.mp4", text), text);
            assertTrue(error.getMessage().startsWith("out.mp4: "), error.getMessage());
        }
    }

    @Test
    void nothingIsLeftOpen() {
        VideoRequest open = VideoRequest.of("a ring");
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class,
                () -> new VideoProvenance("1.2", "nano", "b44a", "cpu", "bf16", open, null, null));
        assertEquals("the provenance of a video must contain its width, found none", error.getMessage());
    }
}
