package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import java.util.List;
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
            .sampler("rectified_flow")
            .schedule("shifted:2.5")
            .eta(0.75)
            .seed(Long.MIN_VALUE)
            .build();
    private static final VideoProvenance PROVENANCE =
            new VideoProvenance("1.2", "nano", "b44a", "cpu", "bf16", REQUEST, null);

    @Test
    void parseReadsToJson() {
        String json = PROVENANCE.toJson();
        assertEquals(1, json.lines().count());
        assertEquals(PROVENANCE, VideoProvenance.parse("tag", json));
        assertEquals(REQUEST.prompt(), PROVENANCE.encodedPrompt());

        VideoProvenance rewritten = new VideoProvenance("1.2", "nano", "b44a", "cpu", "bf16", REQUEST, "a ring");
        assertEquals(rewritten, VideoProvenance.parse("tag", rewritten.toJson()));
        assertEquals("a ring", rewritten.encodedPrompt());
    }

    @Test
    void lorasHaveNamesScalesAndChecksums() {
        VideoProvenance.Lora style = new VideoProvenance.Lora("style.safetensors", 0.1 + 0.2, "5f2b");
        VideoProvenance.Lora few = new VideoProvenance.Lora("few.safetensors", -1, "77aa");
        VideoProvenance provenance = with(style, few);
        assertTrue(
                provenance
                        .toJson()
                        .contains("\"model_sha256\":\"b44a\",\"loras\":[{\"name\":\"style.safetensors\","
                                + "\"scale\":0.30000000000000004,\"sha256\":\"5f2b\"},{\"name\":\"few"),
                provenance.toJson());
        assertEquals(provenance, VideoProvenance.parse("tag", provenance.toJson()));
        assertEquals(provenance, with(new VideoProvenance.Lora("renamed", 0.1 + 0.2, "5f2b"), few));
        assertNotEquals(provenance, with(few, style));
        assertNotEquals(provenance, with(new VideoProvenance.Lora("style.safetensors", 0.3, "5f2b"), few));
        assertEquals(
                "style.safetensors at scale 0.5 (SHA-256 ab)",
                with(new VideoProvenance.Lora("style.safetensors", 0.5, "ab")).describeLoras());
        assertFalse(PROVENANCE.toJson().contains("loras"));
        assertEquals("none", PROVENANCE.describeLoras());
        String wrong = provenance.toJson().replace("-1.0", "\"much\"");
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> VideoProvenance.parse("out.mp4", wrong));
        assertTrue(error.getMessage().contains("field 'loras[1].scale'"), error.getMessage());
    }

    private static VideoProvenance with(VideoProvenance.Lora... loras) {
        return new VideoProvenance("1.2", "nano", "b44a", List.of(loras), "cpu", "bf16", REQUEST, null, null);
    }

    @Test
    void labelReplacesThePrompts() {
        VideoRequest request = REQUEST.toBuilder().negativePrompt("").label(23).build();
        VideoProvenance provenance = new VideoProvenance("1.2", "toy", "b44a", "cpu", "bf16", request, null);
        assertTrue(provenance.toJson().contains("\"request\":{\"label\":23,\"width\":128"), provenance.toJson());
        assertEquals(provenance, VideoProvenance.parse("tag", provenance.toJson()));
        assertNull(provenance.encodedPrompt());
        String both = provenance.toJson().replace("\"label\":23", "\"label\":23,\"prompt\":\"a ring\"");
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> VideoProvenance.parse("out.mp4", both));
        assertTrue(error.getMessage().contains("request.prompt"), error.getMessage());
    }

    @Test
    void everySamplerHasItsOwnSettings() {
        VideoRequest.Builder builder =
                REQUEST.toBuilder().sampler("unipc").schedule(null).eta(0);
        VideoRequest shifted = builder.shift(0.1 + 0.2).build();
        VideoRequest few = builder.shift(null)
                .sampler("dmd")
                .times(List.of(1000.0, 757.0, 522.5))
                .steps(3)
                .build();
        assertTrue(json(shifted).contains("\"sampler\":\"unipc\",\"steps\":50"), json(shifted));
        assertTrue(json(shifted).contains("\"shift\":0.30000000000000004,\"eta\""), json(shifted));
        assertTrue(json(few).contains("\"times\":[1000.0,757.0,522.5],\"eta\""), json(few));
        for (VideoRequest request : List.of(shifted, few)) {
            assertEquals(request, VideoProvenance.parse("tag", json(request)).request());
            assertFalse(json(request).contains("schedule"), json(request));
        }
    }

    private static String json(VideoRequest request) {
        return new VideoProvenance("1.2", "wan", "b44a", "cpu", "bf16", request, null).toJson();
    }

    @Test
    void withoutASamplerItWasTheRectifiedFlow() {
        String json = PROVENANCE.toJson().replace("\"sampler\":\"rectified_flow\",", "");
        assertFalse(json.contains("sampler"), json);
        assertEquals(PROVENANCE, VideoProvenance.parse("tag", json));
        String incomplete = json.replace("\"schedule\":\"shifted:2.5\",", "");
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> VideoProvenance.parse("out.mp4", incomplete));
        assertTrue(error.getMessage().contains("field 'request.schedule': found nothing"), error.getMessage());
    }

    @Test
    void missingEtaIsZero() {
        String json = PROVENANCE.toJson().replace(",\"eta\":0.75", "");
        assertEquals(0, VideoProvenance.parse("tag", json).request().eta());
    }

    @Test
    void jsonHasAStableForm() {
        assertTrue(
                PROVENANCE
                        .toJson()
                        .startsWith(
                                "{\"lingen\":\"1.2\",\"model\":\"nano\",\"model_sha256\":\"b44a\",\"backend\":\"cpu\","
                                        + "\"precision\":\"bf16\",\"request\":{\"prompt\":\"a \\\"red\\\" circle\\nand"),
                PROVENANCE.toJson());
    }

    @Test
    void unknownFieldsOutsideTheRequestAreIgnored() {
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
                "\"rectified_flow\" | 7 | field 'request.sampler': found 7, expected a string",
                "\"eta\" | \"shift\":0,\"eta\" | shift must be above 0 and at most 1000, found 0.0",
                "\"eta\" | \"shift\":1001,\"eta\" | field 'request.shift': found 1001",
                "\"eta\" | \"times\":[],\"eta\" | field 'request.times': found [], expected an array of 1 to 1000 numbers",
                "\"eta\" | \"times\":[900,\"5\"],\"eta\" | field 'request.times[1]': found \"5\"",
                "\"eta\" | \"times\":[900,400],\"eta\" | number of steps must be that of the times, 2, found 50",
                "-9223372036854775808 | 9223372036854775808 | field 'request.seed'",
                "\"noise\" | null | field 'request.negative_prompt': found null, expected a string",
                "\"seed\" | \"cfg\":1,\"seed\" | unknown field 'request.cfg'",
                "\"backend\":\"cpu\" | \"backend\":7 | field 'backend': found 7, expected a string",
                "\"model_sha256\":\"b44a\", | `` | field 'model_sha256': found nothing",
            })
    void invalidFieldsAreRejected(String found, String replacement, String message) {
        String json = PROVENANCE.toJson().replace(found, replacement);
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> VideoProvenance.parse("out.mp4", json), json);
        assertTrue(error.getMessage().startsWith("out.mp4: "), error.getMessage());
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void otherTextIsRejected() {
        for (String text : new String[] {"", "made with love", "[]", "{}", "{\"request\": 3}", "{\"request\": {}}"}) {
            CheckpointException error =
                    assertThrows(CheckpointException.class, () -> VideoProvenance.parse("out.mp4", text), text);
            assertTrue(error.getMessage().startsWith("out.mp4: "), error.getMessage());
        }
    }

    @Test
    void incompleteRequestsAreRejected() {
        VideoRequest open = VideoRequest.of("a ring");
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class,
                () -> new VideoProvenance("1.2", "nano", "b44a", "cpu", "bf16", open, null));
        assertEquals("the provenance of a video must contain its width, found none", error.getMessage());
    }
}
