package io.lingen.wan.internal.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.dryrun.DryRun;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.transformer.FlowTransformer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The transformer against plain loops in double precision. */
class WanTransformerTest {
    private static final WanTransformerConfig CONFIG = new WanTransformerConfig(2, 16, 60, 2, 3, 10, 256, 1e-6f, 64);
    private static final int TEXT_ROWS = 9;
    private static final double TIME = 637;

    private final RandomTransformer weights = new RandomTransformer(CONFIG, 5);

    @ParameterizedTest(name = "{0} {1}, {2} latent frames of {3}x{4}")
    @CsvSource({
        "nd4j, F32, 2, 6, 10, 2e-6",
        "cpu, F32, 1, 2, 2, 2e-6",
        "cpu, F32, 2, 6, 10, 2e-6",
        "cpu, F32, 3, 12, 22, 2e-6", // 198 tokens
        "cpu, BF16, 3, 12, 22, 2e-2",
    })
    void equalsReference(String backend, DType precision, int frames, int height, int width, double tolerance) {
        int[] shape = {CONFIG.channels(), frames, height, width};
        HostTensor latent = weights.normal(1, CONFIG.channels(), frames, height, width);
        HostTensor text = weights.normal(1, TEXT_ROWS, CONFIG.textWidth());
        double[] expected =
                new WanReference(CONFIG, weights.tensors()).predict(doubles(latent), shape, TIME, doubles(text));
        HostTensor found = predict(backend, precision, latent, new TextEmbedding(text, null));
        assertTrue(error(expected, found) < tolerance, () -> "relative error " + error(expected, found));
    }

    @ParameterizedTest(name = "{0} {1}, {2} latent frames of {3}x{4}")
    @CsvSource({
        "nd4j, F32, 5, 10, 18, 2e-6", // tiles of 4 and 1 frames, rows and columns
        "cpu, F32, 4, 8, 16, 2e-6", // whole tiles
        "cpu, F32, 5, 10, 18, 2e-6",
        "cpu, F32, 1, 2, 22, 2e-6", // 1x1x11 tokens
        "cpu, BF16, 6, 14, 12, 2e-2",
    })
    void gatedAttentionEqualsReference(
            String backend, DType precision, int frames, int height, int width, double tolerance) {
        weights.withGates(CONFIG);
        equalsReference(backend, precision, frames, height, width, tolerance);
    }

    @Test
    void gatesMayLackBiases() {
        weights.withGates(CONFIG).tensors().keySet().removeIf(name -> name.endsWith("to_gate_compress.bias"));
        equalsReference("cpu", DType.F32, 5, 6, 10, 2e-6);
    }

    @Test
    void gatesAreRequiredInAllBlocksOrNone() {
        weights.withGates(CONFIG);
        Map<String, HostTensor> withoutLast = new TreeMap<>(weights.tensors());
        withoutLast.remove("blocks.1.attn1.to_gate_compress.weight");
        assertRefused("'blocks.1.attn1.to_gate_compress.weight'", withoutLast);
        Map<String, HostTensor> withoutFirst = new TreeMap<>(weights.tensors());
        withoutFirst.remove("blocks.0.attn1.to_gate_compress.weight");
        assertRefused("blocks.1.attn1.to_gate_compress.weight", withoutFirst);
    }

    @Test
    void weightedRowEqualsRepeatedRows() {
        HostTensor latent = weights.normal(1, CONFIG.channels(), 2, 6, 10);
        HostTensor rows = weights.normal(1, 3, CONFIG.textWidth());
        float[] repeated = new float[503 * CONFIG.textWidth()];
        System.arraycopy(rows.toFloats(), 0, repeated, 0, 3 * CONFIG.textWidth());
        HostTensor all = HostTensor.of(repeated, 503, CONFIG.textWidth());
        float[] merged = new float[4 * CONFIG.textWidth()];
        System.arraycopy(repeated, 0, merged, 0, merged.length);
        TextEmbedding weighted = new TextEmbedding(
                HostTensor.of(merged, 4, CONFIG.textWidth()), HostTensor.of(new float[] {1, 1, 1, 500}, 4));
        for (String backend : List.of("cpu", "nd4j")) {
            HostTensor expected = predict(backend, DType.F32, latent, new TextEmbedding(all, null));
            HostTensor found = predict(backend, DType.F32, latent, weighted);
            assertTrue(error(doubles(expected), found) < 2e-6, backend);
        }
    }

    @Test
    void namesOfAuthorsAreMapped() {
        weights.withGates(CONFIG);
        Map<String, HostTensor> own = new TreeMap<>();
        weights.tensors().forEach((name, tensor) -> own.put("model.diffusion_model." + ownName(name), tensor));
        NamedTensors file = WanNames.underDiffusersNames(new Named(own));
        assertEquals(weights.names(), file.names());
        for (String name : weights.names()) {
            assertEquals(weights.tensor(name), file.tensor(name), name);
            assertEquals(name, WanNames.toDiffusers(name));
        }
    }

    @Test
    void missingAndSurplusTensorsAreRefused() {
        Map<String, HostTensor> surplus = new TreeMap<>(weights.tensors());
        surplus.put("blocks.0.img_attn.weight", weights.normal(1, 3));
        assertRefused("blocks.0.img_attn.weight", surplus);
        Map<String, HostTensor> missing = new TreeMap<>(weights.tensors());
        missing.remove("blocks.1.attn2.norm_k.weight");
        assertRefused("blocks.1.attn2.norm_k.weight", missing);
    }

    @Test
    void otherConditionsAndLatentsAreRefused() {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                FlowTransformer transformer = WanTransformer.load(CONFIG, weights, backend, DType.F32)) {
            assertThrows(IllegalArgumentException.class, () -> transformer.condition(Condition.ofLabel(3)));
            TextEmbedding wide = new TextEmbedding(weights.normal(1, 2, CONFIG.textWidth() + 1), null);
            IllegalArgumentException e =
                    assertThrows(IllegalArgumentException.class, () -> transformer.condition(List.of(wide)));
            assertTrue(e.getMessage().contains("width 10 of the transformer, found 11"), e.getMessage());
            assertThrows(IllegalArgumentException.class, () -> transformer.requireLatent(Shape.of(3, 1, 3, 4)));
            assertThrows(IllegalArgumentException.class, () -> transformer.requireLatent(Shape.of(4, 1, 2, 2)));
            assertThrows(IllegalArgumentException.class, () -> transformer.requireLatent(Shape.of(3, 65, 2, 2)));
        }
    }

    @Test
    void dryRunCountsTheOperationsOfThePass() {
        int frames = 3;
        int n = frames * 6 * 11;
        long d = CONFIG.width();
        try (DryRun dryRun = DryRun.exact();
                FlowTransformer transformer = WanTransformer.load(CONFIG, weights, dryRun.backend(), DType.F32);
                Workspace workspace = dryRun.backend().newWorkspace();
                Conditioning conditioning = transformer.condition(
                        List.of(new TextEmbedding(weights.normal(1, TEXT_ROWS, CONFIG.textWidth()), null)))) {
            Tensor latent = workspace.allocate(DType.F32, CONFIG.channels(), frames, 12, 22);
            Tensor out = workspace.allocate(DType.F32, latent.shape());
            long before = dryRun.backend().operations().total();
            transformer.predict(latent, TIME, conditioning, out);
            long counted = dryRun.backend().operations().total() - before;
            long products = 2L * CONFIG.layers() * n * (6 * d * d + 2 * d * CONFIG.ffnSize());
            long attention = CONFIG.layers() * 4 * n * d * (n + TEXT_ROWS);
            long known = products + attention + 2 * 2 * n * d * CONFIG.patchWidth();
            assertTrue(counted >= known && counted < 1.1 * known, counted + " operations, " + known + " known");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"image_dim\": 1280 | image-to-video",
                "\"qk_norm\": \"rms_norm\" | rms_norm_across_heads",
                "\"patch_size\": [1, 4, 4] | [1, 2, 2]",
                "\"cross_attn_norm\": false | true",
                "\"_class_name\": \"CausalWanTransformer3DModel\" | WanTransformer3DModel",
                "\"num_layers\": 1000000 | from 1 to 1024",
            })
    void unimplementedValuesAreRefusedByName(String field, String expected) {
        String json = "{\"num_attention_heads\": 2, \"attention_head_dim\": 16, \"ffn_dim\": 60, \"in_channels\": 3,"
                + "\"text_dim\": 10, \"patch_size\": [1, 2, 2], \"num_layers\": 2, \"unknown\": {}, ";
        String name = field.substring(1, field.indexOf('"', 1));
        String whole = json.replaceAll("\"" + name + "\": (\\[.*?]|[^,]*),", "") + field + "}";
        CheckpointException e = assertThrows(
                CheckpointException.class,
                () -> WanTransformerConfig.read(
                        ConfigReader.parse("config.json", whole.getBytes(StandardCharsets.UTF_8))));
        assertTrue(e.getMessage().contains(name) && e.getMessage().contains(expected), e.getMessage());
    }

    private void assertRefused(String name, Map<String, HostTensor> tensors) {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1))) {
            CheckpointException e = assertThrows(
                    CheckpointException.class,
                    () -> WanTransformer.load(CONFIG, new Named(tensors), backend, DType.F32));
            assertTrue(e.getMessage().contains(name), e.getMessage());
            assertEquals(0, backend.memory().liveBytes());
        }
    }

    private HostTensor predict(String name, DType precision, HostTensor latent, TextEmbedding text) {
        try (Backend backend = Backends.create(name, new BackendOptions(2));
                FlowTransformer transformer = WanTransformer.load(CONFIG, weights, backend, precision);
                Workspace workspace = backend.newWorkspace();
                Conditioning conditioning = transformer.condition(List.of(text))) {
            Tensor out = workspace.allocate(DType.F32, latent.shape());
            transformer.predict(backend.upload(workspace, latent, DType.F32), TIME, conditioning, out);
            return backend.download(out);
        }
    }

    private static String ownName(String name) {
        return name.replace("condition_embedder.time_embedder.linear_1", "time_embedding.0")
                .replace("condition_embedder.time_embedder.linear_2", "time_embedding.2")
                .replace("condition_embedder.text_embedder.linear_1", "text_embedding.0")
                .replace("condition_embedder.text_embedder.linear_2", "text_embedding.2")
                .replace("condition_embedder.time_proj", "time_projection.1")
                .replace("proj_out", "head.head")
                .replaceAll("^scale_shift_table", "head.modulation")
                .replace(".scale_shift_table", ".modulation")
                .replaceAll("attn1\\.to_([qkv])", "self_attn.$1")
                .replaceAll("attn2\\.to_([qkv])", "cross_attn.$1")
                .replace("attn1.to_gate", "to_gate")
                .replace("attn1.to_out.0", "self_attn.o")
                .replace("attn2.to_out.0", "cross_attn.o")
                .replace("attn1.norm", "self_attn.norm")
                .replace("attn2.norm", "cross_attn.norm")
                .replace("norm2", "norm3")
                .replace("ffn.net.0.proj", "ffn.0")
                .replace("ffn.net.2", "ffn.2");
    }

    private static double[] doubles(HostTensor tensor) {
        float[] floats = tensor.toFloats();
        double[] doubles = new double[floats.length];
        for (int i = 0; i < floats.length; i++) {
            doubles[i] = floats[i];
        }
        return doubles;
    }

    private static double error(double[] expected, HostTensor found) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(found.get(i) - expected[i], 2);
            norm += expected[i] * expected[i];
        }
        return Math.sqrt(difference / norm);
    }

    /** Tensors of a map. */
    private record Named(Map<String, HostTensor> tensors) implements NamedTensors {
        @Override
        public Set<String> names() {
            return tensors.keySet();
        }

        @Override
        public HostTensor tensor(String name) {
            return tensors.get(name);
        }

        @Override
        public String toString() {
            return tensors.keySet().stream().limit(3).collect(Collectors.joining(", "));
        }
    }
}
