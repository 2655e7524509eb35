package io.lingen.internal.gemma;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.text.TinyCheckpoint;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.text.TextEncoder.Progress;
import io.lingen.text.TextEncoder.Prompt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GemmaTextEncoderTest {
    /** Nine tokens, ten with {@code <bos>}. */
    private static final String INSTRUCTION = "do\nit now";

    private static final long BOS = 2;
    private static final int BLANK = 260;
    private static final int MAX_ROWS = 7;

    @TempDir
    private Path model;

    private Backend backend;
    private ModelSource source;

    @BeforeEach
    void write() throws IOException {
        new TinyGemma().write(model);
        backend = Backends.create("cpu", new BackendOptions(1));
        source = ModelSource.of(model);
    }

    @AfterEach
    void close() {
        source.close();
        backend.close();
    }

    @Test
    void promptsBeginWithTheirSpecialToken() {
        try (GemmaTextEncoder encoder = load(INSTRUCTION)) {
            assertArrayEquals(new long[] {BOS}, encoder.tokenIds(""));
            assertArrayEquals(ids("b", " a", "\n", "c"), encoder.tokenIds("b a\nc"));
            assertArrayEquals(ids("a", "b", "c", "d", "e", "f"), encoder.tokenIds("abcdefghijkl"));
        }
    }

    @Test
    void rowsAreTheFirstOneAndThoseFromTheLastOneOfTheInstruction() {
        try (GemmaTextEncoder encoder = load(INSTRUCTION)) {
            long[] ids = ids("d", "o", "\n", "i", "t", " ", "n", "o", "w", "x", "y");
            float[] hidden = hidden(encoder, ids);
            assertArrayEquals(rows(hidden, 0, 9, 10, 11), encode(encoder, Prompt.of("  XY\n")));
        }
    }

    @Test
    void longPromptsAreCut() {
        try (GemmaTextEncoder encoder = load(INSTRUCTION)) {
            long[] ids = ids("d", "o", "\n", "i", "t", " ", "n", "o", "w", "b", "b", "b", "b", "b");
            float[] hidden = hidden(encoder, ids);
            assertArrayEquals(rows(hidden, 0, 9, 10, 11, 12, 13, 14), encode(encoder, Prompt.of("b".repeat(50))));
        }
    }

    @Test
    void negativePromptsHaveNoInstruction() {
        try (GemmaTextEncoder encoder = load(INSTRUCTION)) {
            assertArrayEquals(hidden(encoder, ids("b", "c")), encode(encoder, Prompt.negative("BC ")));
            assertArrayEquals(hidden(encoder, new long[] {BOS}), encode(encoder, Prompt.negative("")));
            float[] cut = hidden(encoder, ids("b", "b", "b", "b", "b", "b"));
            assertArrayEquals(cut, encode(encoder, Prompt.negative("b".repeat(50))));
        }
    }

    @Test
    void allRowsAreKeptWithoutAnInstruction() {
        try (GemmaTextEncoder encoder = load("")) {
            assertArrayEquals(hidden(encoder, ids("b", "c")), encode(encoder, Prompt.of("BC ")));
            float[] cut = hidden(encoder, ids("b", "b", "b", "b", "b", "b"));
            assertArrayEquals(cut, encode(encoder, Prompt.of("b".repeat(50))));
        }
    }

    /** The instruction alone has a token more than the instruction with a prompt that begins with an a. */
    @Test
    void theInstructionMayMergeWithThePrompt() {
        try (GemmaTextEncoder encoder = load("b ")) {
            assertArrayEquals(rows(hidden(encoder, ids("b", " a")), 0, 2), encode(encoder, Prompt.of("a")));
            assertArrayEquals(rows(hidden(encoder, ids("b", " ")), 0, 2), encode(encoder, Prompt.of("")));
        }
    }

    @Test
    void embeddingsOfOnePassAreThoseOfSinglePrompts() {
        try (GemmaTextEncoder encoder = load(INSTRUCTION)) {
            List<Prompt> prompts = List.of(Prompt.of("a cat"), Prompt.negative("jitter"), Prompt.of(""));
            List<TextEmbedding> embeddings = encoder.encode(prompts, Progress.NONE);
            for (int i = 0; i < prompts.size(); i++) {
                assertNull(embeddings.get(i).weights());
                assertArrayEquals(
                        encode(encoder, prompts.get(i)),
                        embeddings.get(i).tokens().toFloats());
            }
            assertEquals(
                    Shape.of(2, TinyGemma.WIDTH), embeddings.get(2).tokens().shape());
        }
    }

    @Test
    void factsAreThoseOfTheEncoder() {
        TextEncoderFacts facts = layout(INSTRUCTION, false).facts(source, backend, DType.F32);
        assertEquals(MAX_ROWS, facts.maxTokens());
        assertEquals(TinyGemma.WIDTH, facts.width());
        assertEquals(0, facts.heldBytes());
        assertEquals(
                List.of(
                        "text_encoder/config.json",
                        "tokenizer/tokenizer.json",
                        "text_encoder/model.safetensors.index.json",
                        "text_encoder/model-00001-of-00002.safetensors",
                        "text_encoder/model-00002-of-00002.safetensors"),
                facts.files());
        try (GemmaTextEncoder encoder = load(INSTRUCTION)) {
            assertEquals(MAX_ROWS, encoder.maxTokens());
            assertEquals(TinyGemma.WIDTH, encoder.width());
            encoder.encode(List.of(Prompt.of("b".repeat(20)), Prompt.negative("b".repeat(20))), Progress.NONE);
        }
        long measured = backend.memory().peakBytes();
        assertTrue(measured <= facts.peakBytes(), () -> measured + " measured, " + facts.peakBytes() + " stated");
        TextEncoderFacts kept = layout(INSTRUCTION, true).facts(source, backend, DType.F32);
        assertTrue(kept.heldBytes() > facts.peakBytes() / 2 && kept.peakBytes() > kept.heldBytes(), kept.toString());
    }

    @Test
    void tokensWithoutEmbeddingAreRefused() throws IOException {
        String tokenizer = TinyGemma.tokenizer().replace("\"z\": 286", "\"z\": 300");
        new TinyGemma().write(model, TinyGemma.config(), tokenizer);
        try (GemmaTextEncoder encoder = load(INSTRUCTION)) {
            CheckpointException error =
                    assertThrows(CheckpointException.class, () -> encode(encoder, Prompt.of("zoo")));
            assertTrue(
                    error.getMessage().contains("token ids below the 300 embeddings, found the id 300"),
                    error.getMessage());
        }
    }

    @Test
    void filesOfOtherModelsAreRefused() throws IOException {
        String tokenizer = TinyGemma.tokenizer();
        String sequence = "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}";
        String bos = "{\"SpecialToken\": {\"id\": \"<bos>\", \"type_id\": 0}}";
        assertTrue(tokenizer.contains(bos + ", " + sequence), tokenizer);
        for (String template : List.of(sequence, sequence + ", " + bos, bos + ", " + sequence + ", " + bos)) {
            Files.writeString(
                    model.resolve(TinyCheckpoint.TOKENIZER), tokenizer.replace(bos + ", " + sequence, template));
            assertRefused("tokenizer/tokenizer.json: expected a post_processor that adds <bos> before every prompt");
        }
        Files.delete(model.resolve(TinyCheckpoint.TOKENIZER));
        assertRefused("tokenizer.json: expected a file, found none");
    }

    @Test
    void templatesNeedTwoRows() {
        assertThrows(IllegalArgumentException.class, () -> new PromptTemplate("", 1));
    }

    private void assertRefused(String message) {
        CheckpointException error = assertThrows(CheckpointException.class, () -> load(INSTRUCTION));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private GemmaTextEncoder load(String instruction) {
        return GemmaTextEncoder.load(source, layout(instruction, false), backend, DType.F32);
    }

    private static GemmaTextEncoder.Layout layout(String instruction, boolean keepLayers) {
        return new GemmaTextEncoder.Layout(
                TinyCheckpoint.COMPONENT,
                TinyCheckpoint.TOKENIZER,
                new PromptTemplate(instruction, MAX_ROWS),
                keepLayers);
    }

    private static float[] encode(GemmaTextEncoder encoder, Prompt prompt) {
        return encoder.encode(List.of(prompt), Progress.NONE).get(0).tokens().toFloats();
    }

    private static float[] hidden(GemmaTextEncoder encoder, long[] ids) {
        HostTensor hidden =
                encoder.encode(List.of(ids), Taps.NONE, Progress.NONE).get(0);
        assertEquals(Shape.of(ids.length, TinyGemma.WIDTH), hidden.shape());
        return hidden.toFloats();
    }

    private static float[] rows(float[] matrix, int... numbers) {
        float[] rows = new float[numbers.length * TinyGemma.WIDTH];
        for (int i = 0; i < numbers.length; i++) {
            System.arraycopy(matrix, numbers[i] * TinyGemma.WIDTH, rows, i * TinyGemma.WIDTH, TinyGemma.WIDTH);
        }
        return rows;
    }

    /** The ids of a prompt of these tokens, with the special token before it. */
    private static long[] ids(String... tokens) {
        LongStream ids = LongStream.of();
        for (String token : tokens) {
            ids = LongStream.concat(ids, LongStream.of(id(token)));
        }
        return LongStream.concat(LongStream.of(BOS), ids).toArray();
    }

    private static long id(String token) {
        return switch (token) {
            case " " -> BLANK;
            case " a" -> TinyGemma.blankWithA();
            case "\n" -> 4 + '\n';
            default -> TinyGemma.letter(token.charAt(0));
        };
    }
}
