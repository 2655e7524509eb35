package io.lingen.internal.t5;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.ParityCheck.Comparison;
import io.lingen.internal.parity.TextPart;
import io.lingen.internal.text.PromptCleaning;
import io.lingen.internal.text.TinyCheckpoint;
import io.lingen.text.TextEncoder.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The text encoder as a part of a fixture. Hidden states are of plain loops in double precision, taps of the reference backend. */
class TextParityTest {
    private static final long[][] IDS = {{3, 4, 3, 5, 2, 1}, {1}, {3, 4, 5, 6, 1}, {3, 3, 4, 1}};

    @TempDir
    private Path folder;

    private final Map<String, HostTensor> fixture = new TreeMap<>();
    private String json = """
            {"prompts": [
              {"prompt": "a b7", "ids": [3, 4, 3, 5, 2, 1], "max_length": 512},
              {"prompt": "", "ids": [1], "max_length": 512},
              {"prompt": "abcdefg", "ids": [3, 4, 5, 6, 1], "max_length": 5},
              {"prompt": "  a", "max_length": 512}
            ]}
            """;

    @BeforeEach
    void writeModelAndFixture() throws IOException {
        TinyT5 model = new TinyT5(true);
        model.write(folder);
        T5Reference reference = new T5Reference(model);
        for (int i = 0; i < IDS.length; i++) {
            double[][] hidden = reference.encode(IDS[i]);
            float[] values = new float[IDS[i].length * TinyT5.WIDTH];
            for (int j = 0; j < values.length; j++) {
                values[j] = (float) hidden[j / TinyT5.WIDTH][j % TinyT5.WIDTH];
            }
            fixture.put("text." + i + ".hidden", HostTensor.of(values, IDS[i].length, TinyT5.WIDTH));
        }
        try (ModelSource source = ModelSource.of(folder);
                Backend backend = Backends.create("nd4j", new BackendOptions(1));
                T5TextEncoder encoder = load(source, backend, DType.F32, 512)) {
            encoder.encode(
                    List.of(IDS[0]),
                    (name, tensor) -> fixture.put("text.tap." + name, backend.download(tensor)),
                    Progress.NONE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "cpu"})
    void everyTensorAgreesInTheOrderOfTheNetwork(String backend) throws IOException {
        List<Comparison> comparisons = check(backend);
        for (Comparison comparison : comparisons) {
            assertTrue(comparison.isWithin(1e-5), comparison.toString());
        }
        assertEquals(
                List.of(
                        "text.0.ids",
                        "text.1.ids",
                        "text.tap.embed",
                        "text.tap.block.0.attention",
                        "text.tap.block.0",
                        "text.tap.block.1.attention",
                        "text.tap.block.1",
                        "text.tap.block.2.attention",
                        "text.tap.block.2",
                        "text.tap.block.3.attention",
                        "text.tap.block.3",
                        "text.0.hidden",
                        "text.1.hidden",
                        "text.3.hidden",
                        "text.2.ids",
                        "text.2.hidden"),
                comparisons.stream().map(Comparison::name).toList());
    }

    @ParameterizedTest
    @CsvSource({"text.1.hidden", "text.2.hidden", "text.tap.block.1.attention"})
    void wrongTensorIsFound(String name) throws IOException {
        float[] values = fixture.get(name).toFloats();
        values[0] += 0.01f;
        fixture.put(name, HostTensor.of(values, fixture.get(name).shape().toArray()));
        assertEquals(List.of(name), beyond().stream().map(Comparison::name).toList());
    }

    /** Hidden states are those of the expected tokens. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"a b7\" | \"a c7\" | token 3 must be 5, found 6",
                "\"a b7\" | \"a b\" | token 4 must be 2, found 1",
                "\"a b7\" | \"a b7c\" | token 5 must be 1, found 6",
                "\"max_length\": 5} | \"max_length\": 4} | token 3 must be 6, found 1",
            })
    void wrongTokensAreFound(String part, String other, String obstacle) throws IOException {
        json = json.replace(part, other);
        List<Comparison> beyond = beyond();
        assertEquals(1, beyond.size(), beyond.toString());
        assertTrue(beyond.get(0).name().endsWith(".ids"), beyond.toString());
        assertEquals(obstacle, beyond.get(0).obstacle());
    }

    @Test
    void idsMayBeMissing() throws IOException {
        json = json.replaceAll("\"ids\": \\[[^]]*], ", "");
        List<Comparison> comparisons = check("cpu");
        assertEquals(4 + 9, comparisons.size());
        for (Comparison comparison : comparisons) {
            assertNull(comparison.obstacle());
            assertTrue(comparison.isWithin(1e-5), comparison.toString());
        }
    }

    private List<Comparison> beyond() throws IOException {
        return check("cpu").stream()
                .filter(comparison -> !comparison.isWithin(1e-5))
                .toList();
    }

    private List<Comparison> check(String name) throws IOException {
        Path file = folder.resolve("fixture.safetensors");
        SafetensorsWriter.write(file, fixture, Map.of());
        Files.writeString(folder.resolve("fixture.json"), json);
        try (ModelSource source = ModelSource.of(folder);
                SafetensorsFile tensors = SafetensorsFile.open(file);
                Backend backend = Backends.create(name, new BackendOptions(1))) {
            TextPart part = new TextPart((of, type, maxTokens) -> load(source, of, type, maxTokens));
            assertTrue(part.isIn(tensors.names()));
            ParityCheck check = new ParityCheck(tensors, folder, backend);
            part.run(check, DType.F32);
            check.end();
            return check.result().comparisons();
        }
    }

    private static T5TextEncoder load(ModelSource source, Backend backend, DType precision, int maxTokens) {
        return T5TextEncoder.load(
                source,
                new T5TextEncoder.Layout(
                        TinyCheckpoint.COMPONENT, TinyCheckpoint.TOKENIZER, maxTokens, PromptCleaning::clean, false),
                backend,
                precision);
    }
}
