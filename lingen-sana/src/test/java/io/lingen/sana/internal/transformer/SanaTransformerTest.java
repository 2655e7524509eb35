package io.lingen.sana.internal.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.dryrun.DryRun;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.transformer.FlowTransformer;
import io.lingen.wan.internal.transformer.FlowReference;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The transformer against plain loops in double precision. */
class SanaTransformerTest {
    /** Sizes that no kernel's tile divides, and a cross-attention of another width than D. */
    private static final SanaTransformerConfig CONFIG =
            new SanaTransformerConfig(2, 18, 3, 10, 50, 2, 3, 10, 1e-6f, 64);

    private static final int TEXT_ROWS = 9;
    private static final double TIME = 637;

    private final RandomSana weights = new RandomSana(CONFIG, 5L);

    @ParameterizedTest(name = "{0} {1}, {2} latent frames of {3}x{4}")
    @CsvSource({
        "nd4j, F32, 2, 6, 10, 3e-6",
        "cpu, F32, 1, 2, 2, 3e-6",
        "cpu, F32, 2, 6, 10, 3e-6",
        "cpu, F32, 5, 12, 22, 3e-6", // 330 tokens
        "cpu, BF16, 5, 12, 22, 3e-2",
    })
    void equalsReference(String backend, DType precision, int frames, int height, int width, double tolerance) {
        int[] shape = {CONFIG.channels(), frames, height, width};
        HostTensor latent = weights.normal(1, CONFIG.channels(), frames, height, width);
        HostTensor text = weights.normal(1, TEXT_ROWS, CONFIG.textWidth());
        double[] expected = new SanaReference(CONFIG, weights.tensors())
                .predict(FlowReference.doubles(latent), shape, TIME, FlowReference.doubles(text));
        HostTensor found = predict(backend, precision, latent, new TextEmbedding(text, null));
        double error = FlowReference.error(expected, found);
        assertTrue(error < tolerance, () -> "relative error " + error);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j"})
    void maskedRowsOfTextDoNotCount(String backend) {
        HostTensor latent = weights.normal(1, CONFIG.channels(), 2, 6, 10);
        HostTensor text = weights.normal(1, TEXT_ROWS, CONFIG.textWidth());
        float[] mask = new float[TEXT_ROWS];
        Arrays.fill(mask, 0, 4, 1);
        HostTensor expected = predict(backend, DType.F32, latent, new TextEmbedding(text.slice(0, 4), null));
        HostTensor found = predict(backend, DType.F32, latent, new TextEmbedding(text, HostTensor.of(mask, TEXT_ROWS)));
        double error = FlowReference.error(FlowReference.doubles(expected), found);
        assertTrue(error < 1e-6, () -> "relative error " + error);
    }

    @ParameterizedTest
    @CsvSource({"cpu, F32, 3e-6", "cpu, BF16, 3e-2"})
    void everyTokenMayHaveATimeOfItsOwn(String name, DType precision, double tolerance) {
        int[] shape = {CONFIG.channels(), 4, 6, 10};
        HostTensor latent = weights.normal(1, shape[0], shape[1], shape[2], shape[3]);
        HostTensor text = weights.normal(1, TEXT_ROWS, CONFIG.textWidth());
        double[] times = new double[4 * 3 * 5];
        for (int token = 0; token < times.length; token++) {
            times[token] = token < 15 ? 0 : token < 37 ? 800 : 250; // The second change is inside a frame.
        }
        double[] expected = new SanaReference(CONFIG, weights.tensors())
                .predict(FlowReference.doubles(latent), shape, times, FlowReference.doubles(text));
        try (Backend backend = Backends.create(name, new BackendOptions(2));
                FlowTransformer transformer = SanaTransformer.load(CONFIG, weights, backend, precision);
                Workspace workspace = backend.newWorkspace();
                Conditioning conditioning = transformer.condition(List.of(new TextEmbedding(text, null)))) {
            Tensor out = workspace.allocate(DType.F32, latent.shape());
            transformer.predict(backend.upload(workspace, latent, DType.F32), times, conditioning, out);
            double error = FlowReference.error(expected, backend.download(out));
            assertTrue(error < tolerance, () -> "relative error " + error);
        }
    }

    /** The published model: 2.057 billion parameters, and the operations of a default pass. */
    @Test
    void publishedSizesHaveThePublishedParametersAndOperations() {
        SanaTransformerConfig config = new SanaTransformerConfig(20, 112, 20, 112, 6720, 20, 16, 2304, 1e-6f, 1024);
        RandomSana shapes = new RandomSana(config, null);
        long parameters = shapes.tensors().values().stream()
                .mapToLong(tensor -> tensor.shape().elements())
                .sum();
        assertEquals(2_056_862_144L, parameters);
        try (DryRun dryRun = DryRun.exact();
                FlowTransformer transformer = SanaTransformer.load(config, shapes, dryRun.backend(), DType.BF16);
                Workspace workspace = dryRun.backend().newWorkspace();
                Conditioning conditioning = transformer.condition(List.of(new TextEmbedding(
                        HostTensor.of(new float[300 * config.textWidth()], 300, config.textWidth()), null)))) {
            Tensor latent = workspace.allocate(DType.F32, 16, 21, 60, 104);
            Tensor out = workspace.allocate(DType.F32, latent.shape());
            long before = dryRun.backend().operations().total();
            dryRun.backend().memory().resetPeak();
            long held = dryRun.backend().memory().liveBytes();
            transformer.predict(latent, TIME, conditioning, out);
            long counted = dryRun.backend().operations().total() - before;
            long frame = 30 * 52;
            long n = 21 * frame;
            long d = config.width();
            // The first and the last frame have one neighbor.
            long products = 20 * 2 * (n * (7 * d * d + 3 * d * config.ffnSize()) + 2 * (n - frame) * d * d);
            long depthwise = 20 * 2 * n * 9 * 2 * config.ffnSize();
            long attention = 20 * n * d * (4 * config.headDim() + 4 * 300);
            long known = products + depthwise + attention;
            assertTrue(counted >= known && counted < 1.02 * known, counted + " operations, " + known + " known");
            // The residual stream in F32, and five activations of one block in BF16.
            long peak = dryRun.backend().memory().peakBytes() - held;
            assertTrue(peak < n * d * (4 + 5 * 2), peak + " bytes");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"guidance_embeds\": true | false",
                "\"attention_bias\": true | false",
                "\"norm_elementwise_affine\": true | false",
                "\"qk_norm\": \"rms_norm\" | rms_norm_across_heads",
                "\"patch_size\": [1, 1, 1] | [1, 2, 2]",
                "\"_class_name\": \"SanaTransformer2DModel\" | SanaVideoTransformer3DModel",
                "\"cross_attention_dim\": 33 | 32",
                "\"out_channels\": 6 | as in_channels",
                "\"attention_head_dim\": 4 | from 6",
                "\"mlp_ratio\": 1e9 | 64",
                "\"mlp_ratio\": 0.01 | width 1 or more",
                "\"num_layers\": 1000000 | from 1 to 1024",
                "\"num_cross_attention_heads\": 0 | from 1",
            })
    void unimplementedValuesAreRefusedByName(String field, String expected) {
        String json = "{\"num_attention_heads\": 2, \"attention_head_dim\": 16, \"num_cross_attention_heads\": 2,"
                + " \"cross_attention_head_dim\": 16, \"cross_attention_dim\": 32, \"mlp_ratio\": 3.0, \"in_channels\": 3,"
                + " \"caption_channels\": 10, \"patch_size\": [1, 2, 2], \"num_layers\": 2, \"unknown\": {}, ";
        String name = field.substring(1, field.indexOf('"', 1));
        String whole = json.replaceAll("\"" + name + "\": (\\[.*?]|[^,]*),", "") + field + "}";
        CheckpointException e = assertThrows(
                CheckpointException.class,
                () -> SanaTransformerConfig.read(
                        ConfigReader.parse("config.json", whole.getBytes(StandardCharsets.UTF_8))));
        assertTrue(e.getMessage().contains(name) && e.getMessage().contains(expected), e.getMessage());
    }

    private HostTensor predict(String name, DType precision, HostTensor latent, TextEmbedding text) {
        try (Backend backend = Backends.create(name, new BackendOptions(2));
                FlowTransformer transformer = SanaTransformer.load(CONFIG, weights, backend, precision);
                Workspace workspace = backend.newWorkspace();
                Conditioning conditioning = transformer.condition(List.of(text))) {
            Tensor out = workspace.allocate(DType.F32, latent.shape());
            transformer.predict(backend.upload(workspace, latent, DType.F32), TIME, conditioning, out);
            return backend.download(out);
        }
    }
}
