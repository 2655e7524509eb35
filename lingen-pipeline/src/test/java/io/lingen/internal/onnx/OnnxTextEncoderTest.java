package io.lingen.internal.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.Shape;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.Checksums;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.tokenizer.TokenizedPrompt;
import io.lingen.text.TextEncoders;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Expected ids and values were computed by the Python packages tokenizers and onnxruntime from the same files. */
class OnnxTextEncoderTest {
    private static final String CONFIG =
            "{\"model\": \"embedded:all-minilm-l6-v2\", \"max_tokens\": 64, \"width\": 384}";

    @TempDir
    static Path folder;

    private static TextEncoders encoders;

    @BeforeAll
    static void load() throws IOException {
        encoders = load("text_encoder", CONFIG);
    }

    @AfterAll
    static void close() {
        encoders.close();
    }

    @Test
    void tokenIdsEqualThoseOfTheOriginalTokenizer() {
        assertIds("", 101, 102);
        assertIds(
                "A red circle moves to the right over a night sky",
                101,
                1037,
                2417,
                4418,
                5829,
                2000,
                1996,
                2157,
                2058,
                1037,
                2305,
                3712,
                102);
        assertIds(
                "Zwei große Kreise – naïve café 你好 🎉 drift, it's O'Neill's",
                101,
                1062,
                19845,
                24665,
                2080,
                17499,
                1047,
                2890,
                5562,
                1516,
                15743,
                7668,
                100,
                100,
                100,
                11852,
                1010,
                2009,
                1005,
                1055,
                1051,
                1005,
                11511,
                1005,
                1055,
                102);
    }

    @Test
    void embeddingsEqualThoseOfTheOriginalModel() {
        TextEmbedding embedding = encoders.encode("a red circle moves to the right over a night sky")
                .get(0);
        assertEquals(Shape.of(13, 384), embedding.tokens().shape());
        assertNull(embedding.weights());
        assertEquals(0.064607404, embedding.tokens().get(0), 1e-5);
        assertEquals(-0.14024758, embedding.tokens().get(1), 1e-5);
        assertEquals(0.5430638, embedding.tokens().get(13 * 384 - 1), 1e-5);
    }

    @Test
    void truncatedPromptsKeepTheirClosingToken() {
        String prompt = "star ".repeat(100) + "end";
        long[] ids = encoder().tokenIds(prompt);
        assertEquals(64, ids.length);
        assertEquals(2732, ids[62]);
        assertEquals(102, ids[63]);
        assertEquals(Shape.of(64, 384), encoders.encode(prompt).get(0).tokens().shape());
    }

    @Test
    void truncationIsLocatedInThePrompt() {
        String words = "star ".repeat(100) + "end";
        TokenizedPrompt cut = encoder().tokenize("🎉 " + words);
        assertTrue(cut.isCut());
        assertEquals(104, cut.uncutLength());
        // 62 tokens between the special ones: the emoji and 61 stars; the emoji takes two characters.
        assertEquals(3 + 61 * 5 - 1, cut.cutAt());
    }

    @Test
    void severalEncodersGiveOneEmbeddingEach() throws IOException {
        write("second", CONFIG.replace("64", "8"));
        try (ModelSource source = ModelSource.of(folder);
                TextEncoders two = OnnxTextEncoders.load(source, List.of("text_encoder", "second"), 1)) {
            List<TextEmbedding> embeddings = two.encode("one two three four five six seven eight nine");
            assertEquals(Shape.of(11, 384), embeddings.get(0).tokens().shape());
            assertEquals(Shape.of(8, 384), embeddings.get(1).tokens().shape());
        }
    }

    @Test
    void modelsInTheFolderEqualEmbeddedOnes() throws IOException {
        write("own", CONFIG.replace("embedded:all-minilm-l6-v2", "encoder.onnx"));
        copy("all-minilm-l6-v2.onnx", folder.resolve("own/encoder.onnx"));
        copy("all-minilm-l6-v2-tokenizer.json", folder.resolve("own/tokenizer.json"));
        try (ModelSource source = ModelSource.of(folder);
                TextEncoders own = OnnxTextEncoders.load(source, List.of("own"), 1)) {
            assertArrayEquals(
                    encoders.encode("a ring").get(0).tokens().toFloats(),
                    own.encode("a ring").get(0).tokens().toFloats(),
                    1e-6f);
        }
    }

    @Test
    void externalDataAreReadAndHashed() throws IOException {
        Path data = writeExternal("external", "encoder.onnx_data");
        float[] rows = OnnxFiles.values(1, OnnxFiles.VOCABULARY * OnnxFiles.WIDTH);
        Files.write(data, OnnxFiles.bytes(rows));
        try (ModelSource source = ModelSource.of(folder)) {
            List<String> files = OnnxTextEncoders.files(source, "external");
            assertEquals(
                    List.of(
                            "external/config.json",
                            "external/onnx/encoder.onnx",
                            "external/onnx/encoder.onnx_data",
                            "external/tokenizer.json"),
                    files);
            assertEquals(
                    Files.size(data) + Files.size(folder.resolve("external/onnx/encoder.onnx")),
                    OnnxTextEncoders.facts(source, "external").heldBytes());
            String hash = Checksums.compute(source, files).sha256();
            // The ids are [CLS] 1, a 3, ring 5, [SEP] 2.
            assertArrayEquals(rowsOf(rows, 1, 3, 5, 2), encode(source), "the rows of the data file");

            rows[3 * OnnxFiles.WIDTH] = 7;
            Files.write(data, OnnxFiles.bytes(rows));
            assertArrayEquals(rowsOf(rows, 1, 3, 5, 2), encode(source));
            assertNotEquals(hash, Checksums.compute(source, files).sha256());
        }
    }

    @Test
    void externalDataMustExistInTheFolder() throws IOException {
        writeExternal("external", "missing.bin");
        try (ModelSource source = ModelSource.of(folder)) {
            String message = assertThrows(CheckpointException.class, () -> encode(source))
                    .getMessage();
            assertTrue(message.contains("external/onnx/missing.bin: expected a file, found none"), message);
        }
        writeExternal("external", "../tokenizer.json");
        try (ModelSource source = ModelSource.of(folder)) {
            for (Executable use : List.<Executable>of(
                    () -> encode(source),
                    () -> OnnxTextEncoders.files(source, "external"),
                    () -> OnnxTextEncoders.facts(source, "external"))) {
                String message = assertThrows(CheckpointException.class, use).getMessage();
                assertTrue(message.contains("expected external data in the folder of the model"), message);
            }
        }
    }

    /** A model with a table in another file; returns the path of that file. */
    private static Path writeExternal(String component, String location) throws IOException {
        write(component, "{\"model\": \"onnx/encoder.onnx\", \"max_tokens\": 64, \"width\": " + OnnxFiles.WIDTH + "}");
        Path onnx = Files.createDirectories(folder.resolve(component).resolve("onnx"));
        Files.write(onnx.resolve("encoder.onnx"), OnnxFiles.externalTable(location));
        Files.writeString(folder.resolve(component).resolve("tokenizer.json"), OnnxFiles.TOKENIZER);
        return onnx.resolve(location);
    }

    private static float[] encode(ModelSource source) {
        try (TextEncoders own = OnnxTextEncoders.load(source, List.of("external"), 1)) {
            return own.encode("a ring").get(0).tokens().toFloats();
        }
    }

    private static float[] rowsOf(float[] table, int... ids) {
        float[] rows = new float[ids.length * OnnxFiles.WIDTH];
        for (int i = 0; i < ids.length; i++) {
            System.arraycopy(table, ids[i] * OnnxFiles.WIDTH, rows, i * OnnxFiles.WIDTH, OnnxFiles.WIDTH);
        }
        return rows;
    }

    @Test
    void contradictoryConfigurationsAreRejected() throws IOException {
        assertError("expected an output of shape [1, L, 100], found", CONFIG.replace("384", "100"));
        assertError("of shape [1, L, 384]", CONFIG.replace("384", "384, \"output\": \"882\""));
        assertError("found an input 'input_ids'", CONFIG.replace("384", "384, \"inputs\": {\"input_ids\": \"x\"}"));
        assertError("nothing.onnx on the class path, found none", CONFIG.replace("all-minilm-l6-v2", "nothing"));
        assertError("max_tokens", CONFIG.replace("64", "1"));
        assertError("the path of an .onnx file", CONFIG.replace("embedded:all-minilm-l6-v2", "encoder.ort"));
        assertError("depth", CONFIG.replace("384", "384, \"depth\": 3"));
    }

    private static void assertError(String part, String config) throws IOException {
        CheckpointException error = assertThrows(CheckpointException.class, () -> {
            try (TextEncoders wrong = load("wrong", config)) {
                wrong.encode("a ring");
            }
        });
        assertTrue(error.getMessage().contains(part), error.getMessage());
    }

    private static void assertIds(String prompt, long... expected) {
        assertArrayEquals(expected, encoder().tokenIds(prompt));
    }

    private static OnnxTextEncoder encoder() {
        return (OnnxTextEncoder) encoders.all().get(0);
    }

    private static TextEncoders load(String component, String config) throws IOException {
        write(component, config);
        try (ModelSource source = ModelSource.of(folder)) {
            return OnnxTextEncoders.load(source, List.of(component), 1);
        }
    }

    private static void write(String component, String config) throws IOException {
        Path path = Files.createDirectories(folder.resolve(component));
        Files.writeString(path.resolve("config.json"), config);
    }

    private static void copy(String resource, Path target) throws IOException {
        try (InputStream stream = OnnxTextEncoderTest.class.getClassLoader().getResourceAsStream(resource)) {
            Files.copy(stream, target);
        }
    }
}
