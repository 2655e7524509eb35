package io.lingen.wan.internal.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.ParityCheck.Comparison;
import io.lingen.internal.parity.ModelParity;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ParityPart;
import io.lingen.wan.internal.parity.Fixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A folder in the layout of diffusers with nothing but a transformer, and a fixture with a LoRA. */
class WanFolderParityTest {
    private static final WanTransformerConfig CONFIG = new WanTransformerConfig(2, 16, 60, 2, 3, 10, 256, 1e-6f, 64);
    private static final int RANK = 3;
    private static final String MODULE = "blocks.1.ffn.net.2";

    @TempDir
    Path folder;

    private final RandomTransformer weights = new RandomTransformer(CONFIG, 3);
    private final Fixture fixture = new Fixture();

    @BeforeEach
    void writeFolderAndFixture() throws IOException {
        Files.writeString(
                folder.resolve("model_index.json"),
                "{\"_class_name\": \"WanPipeline\", \"transformer\": [\"diffusers\", \"WanTransformer3DModel\"]}");
        Path transformer = Files.createDirectories(folder.resolve("transformer"));
        Files.writeString(
                transformer.resolve("config.json"),
                "{\"_class_name\": \"WanTransformer3DModel\", \"num_attention_heads\": 2, \"attention_head_dim\": 16,"
                        + " \"ffn_dim\": 60, \"num_layers\": 2, \"in_channels\": 3, \"text_dim\": 10, \"freq_dim\": 256,"
                        + " \"patch_size\": [1, 2, 2], \"rope_max_seq_len\": 64, \"eps\": 1e-6}");
        SafetensorsWriter.write(
                transformer.resolve("diffusion_pytorch_model.safetensors"), weights.tensors(), Map.of());

        HostTensor latent = weights.normal(1, 3, 2, 4, 6);
        HostTensor text = weights.normal(1, 5, CONFIG.textWidth());
        fixture.put("transformer.latent", latent);
        fixture.put("transformer.text", text);
        fixture.put("transformer.t.0", HostTensor.of(new float[] {731}, 1));
        fixture.put("transformer.velocity.0", predict(weights.tensors(), latent, text), 3, 2, 4, 6);
        fixture.put("lora.velocity", predict(writeLora(), latent, text), 3, 2, 4, 6);
    }

    private static double[] predict(Map<String, HostTensor> tensors, HostTensor latent, HostTensor text) {
        return new WanReference(CONFIG, tensors).predict(doubles(latent), new int[] {3, 2, 4, 6}, 731, doubles(text));
    }

    /** Writes a LoRA in two spellings and returns the merged weights. */
    private Map<String, HostTensor> writeLora() {
        HostTensor down = weights.normal(0.3, RANK, CONFIG.ffnSize());
        HostTensor up = weights.normal(0.3, CONFIG.width(), RANK);
        HostTensor bias = weights.normal(0.3, CONFIG.width());
        String module = "transformer." + MODULE;
        SafetensorsWriter.write(
                folder.resolve("lora.safetensors"),
                Map.of(module + ".lora_A.weight", down, module + ".lora_B.weight", up, module + ".lora_B.bias", bias),
                Map.of());
        String original = "diffusion_model.blocks.1.ffn.2";
        SafetensorsWriter.write(
                folder.resolve("lora_original.safetensors"),
                Map.of(
                        original + ".lora_down.weight",
                        down,
                        original + ".lora_up.weight",
                        up,
                        original + ".diff_b",
                        bias,
                        original + ".alpha",
                        HostTensor.of(new float[] {RANK})),
                Map.of());
        Map<String, HostTensor> merged = new TreeMap<>(weights.tensors());
        float[] weight = weights.tensor(MODULE + ".weight").toFloats();
        for (int i = 0; i < weight.length; i++) {
            int row = i / CONFIG.ffnSize();
            int column = i % CONFIG.ffnSize();
            for (int r = 0; r < RANK; r++) {
                weight[i] += up.get(row * RANK + r) * down.get((long) r * CONFIG.ffnSize() + column);
            }
        }
        float[] biases = weights.tensor(MODULE + ".bias").toFloats();
        for (int i = 0; i < biases.length; i++) {
            biases[i] += bias.get(i);
        }
        merged.put(MODULE + ".weight", HostTensor.of(weight, CONFIG.width(), CONFIG.ffnSize()));
        merged.put(MODULE + ".bias", HostTensor.of(biases, CONFIG.width()));
        return merged;
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j"})
    void transformerAndLoraAgree(String backend) {
        List<Comparison> comparisons = check(backend);
        assertEquals(
                List.of("transformer.velocity.0", "lora.velocity", "lora.velocity (original)"),
                comparisons.stream().map(Comparison::name).toList());
        for (Comparison comparison : comparisons) {
            assertTrue(comparison.isWithin(1e-5), comparison.toString());
        }
    }

    @Test
    void wrongVelocityIsFound() {
        fixture.put("lora.velocity", fixture.tensor("transformer.velocity.0"));
        assertEquals(
                List.of("lora.velocity", "lora.velocity (original)"),
                check("cpu").stream()
                        .filter(comparison -> !comparison.isWithin(1e-3))
                        .map(Comparison::name)
                        .toList());
    }

    @Test
    void originalSpellingIsOptionalAndTheLoraIsNot() throws IOException {
        Files.delete(folder.resolve("lora_original.safetensors"));
        assertEquals(2, check("cpu").size());
        Files.delete(folder.resolve("lora.safetensors"));
        CheckpointException e = assertThrows(CheckpointException.class, () -> check("cpu"));
        assertTrue(e.getMessage().contains("lora.safetensors: expected a file"), e.getMessage());
    }

    @Test
    void missingFolderIsNamed() {
        fixture.put("vae.latent", fixture.tensor("transformer.latent"));
        fixture.put("vae.frames", fixture.tensor("transformer.latent"));
        CheckpointException e = assertThrows(CheckpointException.class, () -> check("cpu"));
        assertTrue(e.getMessage().contains("vae/config.json: expected a file"), e.getMessage());
    }

    private List<Comparison> check(String name) {
        List<Comparison> comparisons = new ArrayList<>();
        try (ModelSource source = ModelSource.of(folder);
                Backend backend = Backends.create(name, new BackendOptions(1))) {
            ModelParity parity = ModelParity.of(source, ModelOptions.NONE);
            for (ParityPart part : parity.in(fixture)) {
                ParityCheck check = new ParityCheck(fixture, folder, backend);
                part.run(check, DType.F32);
                check.end();
                comparisons.addAll(check.result().comparisons());
            }
        }
        return comparisons;
    }

    private static double[] doubles(HostTensor tensor) {
        double[] values = new double[Math.toIntExact(tensor.shape().elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = tensor.get(i);
        }
        return values;
    }
}
