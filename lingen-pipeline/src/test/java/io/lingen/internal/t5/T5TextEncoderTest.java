package io.lingen.internal.t5;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.text.PromptCleaning;
import io.lingen.internal.text.TinyCheckpoint;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.text.TextEncoder.Progress;
import io.lingen.text.TextEncoder.Prompt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class T5TextEncoderTest {
    private static final T5TextEncoder.Layout LAYOUT = new T5TextEncoder.Layout(
            TinyCheckpoint.COMPONENT, TinyCheckpoint.TOKENIZER, 12, PromptCleaning::clean, false);

    @TempDir
    private Path model;

    private Backend backend;
    private ModelSource source;

    @BeforeEach
    void write() throws IOException {
        new TinyT5(true).write(model);
        backend = Backends.create("cpu", new BackendOptions(1));
        source = ModelSource.of(model);
    }

    @AfterEach
    void close() {
        source.close();
        backend.close();
    }

    @Test
    void promptsEndInTheirSpecialToken() {
        try (T5TextEncoder encoder = load()) {
            assertArrayEquals(new long[] {1}, encoder.tokenIds(""));
            assertArrayEquals(new long[] {3, 4, 3, 5, 2, 1}, encoder.tokenIds("a b7"));
            assertEquals(1, encode(encoder, "").tokens().shape().length(0));
        }
    }

    @Test
    void longPromptsAreCutBeforeTheirSpecialToken() {
        try (T5TextEncoder encoder = load()) {
            assertArrayEquals(
                    new long[] {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 1},
                    encoder.tokenIds("abcdefghijklmnopqrstuvwxyz"));
            assertArrayEquals(new long[] {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 1}, encoder.tokenIds("abcdefghij"));
        }
    }

    @Test
    void promptsAreCleanedAndIdsAreNot() {
        try (T5TextEncoder encoder = load()) {
            assertEquals("a & b", encoder.normalize(Prompt.of(" a &amp;amp;\n ｂ")));
            assertArrayEquals(
                    encode(encoder, "a b").tokens().toFloats(),
                    encode(encoder, "\ta &#98; ").tokens().toFloats());
            assertEquals(9, encoder.tokenIds("&amp; b").length, "eight pieces of the text as it is, and </s>");
        }
    }

    @Test
    void embeddingsAreTheHiddenStatesOfTheTokensAlone() {
        try (T5TextEncoder encoder = load()) {
            List<TextEmbedding> embeddings =
                    encoder.encode(List.of(Prompt.of("a cat"), Prompt.negative("ab")), Progress.NONE);
            assertEquals(Shape.of(7, TinyT5.WIDTH), embeddings.get(0).tokens().shape());
            assertEquals(Shape.of(4, TinyT5.WIDTH), embeddings.get(1).tokens().shape());
            assertNull(embeddings.get(0).weights());
            assertArrayEquals(
                    encoder.encode(List.of(encoder.tokenIds("ab")), Taps.NONE, Progress.NONE)
                            .get(0)
                            .toFloats(),
                    embeddings.get(1).tokens().toFloats());
        }
    }

    @Test
    void factsAreThoseOfTheEncoder() {
        TextEncoderFacts facts = LAYOUT.facts(source, backend, DType.F32);
        assertEquals(12, facts.maxTokens());
        assertEquals(TinyT5.WIDTH, facts.width());
        assertEquals(0, facts.heldBytes());
        assertEquals(
                List.of(
                        "text_encoder/config.json",
                        "tokenizer/tokenizer.json",
                        "text_encoder/model.safetensors.index.json",
                        "text_encoder/model-00001-of-00002.safetensors",
                        "text_encoder/model-00002-of-00002.safetensors"),
                facts.files());
        try (T5TextEncoder encoder = load()) {
            encoder.encode(List.of(Prompt.of("a".repeat(20)), Prompt.of("b".repeat(20))), Progress.NONE);
        }
        long measured = backend.memory().peakBytes();
        assertTrue(measured <= facts.peakBytes(), () -> measured + " measured, " + facts.peakBytes() + " stated");
        TextEncoderFacts kept = new T5TextEncoder.Layout(
                        TinyCheckpoint.COMPONENT, TinyCheckpoint.TOKENIZER, 12, PromptCleaning::clean, true)
                .facts(source, backend, DType.F32);
        assertTrue(kept.heldBytes() > facts.peakBytes() / 2 && kept.peakBytes() > kept.heldBytes(), kept.toString());
    }

    @Test
    void filesOfOtherModelsAreRefused() throws IOException {
        Files.writeString(model.resolve(TinyCheckpoint.TOKENIZER), TinyT5.tokenizer(null));
        assertRefused("tokenizer/tokenizer.json: expected a post_processor that adds </s> to every prompt");
        Files.delete(model.resolve(TinyCheckpoint.TOKENIZER));
        assertRefused("tokenizer.json: expected a file, found none");
    }

    private void assertRefused(String message) {
        CheckpointException error = assertThrows(CheckpointException.class, this::load);
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private T5TextEncoder load() {
        return T5TextEncoder.load(source, LAYOUT, backend, DType.F32);
    }

    private static TextEmbedding encode(T5TextEncoder encoder, String prompt) {
        return encoder.encode(List.of(Prompt.of(prompt)), Progress.NONE).get(0);
    }
}
