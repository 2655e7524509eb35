package io.lingen.diffusion.internal.latte;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.op.Dims3;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Fixtures;
import io.lingen.diffusion.TextEmbedding;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LatteTransformerTest {
    private Backend backend;

    @BeforeEach
    void open() {
        backend = Backends.create("cpu", new BackendOptions(2));
    }

    @AfterEach
    void close() {
        assertEquals(0, backend.memory().liveBytes(), "every tensor is freed");
        backend.close();
    }

    /** Latte-XL/2 without and with classes, and Latte-1; every tensor is read, and no other is missed. */
    @ParameterizedTest
    @CsvSource({
        "none, 673.68, 1862.6, 0",
        "class, 673.80, 1862.6, 0",
        "text, 1057.25, 17064, 120",
    })
    void publishedModelsHaveTheirParametersAndOperations(
            String condition, double millions, double gigaMacs, int textTokens) {
        LatteConfig config = LatteTensors.config(
                condition.equals("none")
                        ? LatteTensors.XL
                        : condition.equals("class") ? LatteTensors.XL_CLASSES : LatteTensors.TEXT);
        LatteTensors tensors = new LatteTensors(config);
        assertEquals(millions, tensors.parameters() / 1e6, 0.005);
        try (DryRun dryRun = DryRun.exact();
                LatteTransformer denoiser = LatteTransformer.load(tensors, config, dryRun.backend(), DType.F32)) {
            Backend counting = dryRun.backend();
            // Position tables are kept per axis, with a table of zeros.
            Dims3 grid = config.grid();
            long tables = condition.equals("text")
                    ? 0
                    : (long) config.hiddenSize()
                            * (grid.t() + grid.h() + grid.w() + Math.max(grid.t(), Math.max(grid.h(), grid.w())));
            assertEquals(tensors.parameters() + tables, counting.memory().liveBytes() / 4);
            try (Workspace workspace = counting.newWorkspace();
                    Conditioning conditioning = denoiser.condition(condition(config, textTokens))) {
                Tensor latent =
                        workspace.allocate(DType.F32, 4, config.frames(), config.latentRows(), config.latentColumns());
                Tensor out = workspace.allocate(DType.F32, denoiser.prediction().outputOf(latent.shape()));
                counting.operations().reset();
                denoiser.predict(latent, 500, conditioning, out);
                assertEquals(gigaMacs, counting.operations().total() / 2e9, gigaMacs * 2e-3);
            }
        }
    }

    private static Condition condition(LatteConfig config, int textTokens) {
        switch (config.condition()) {
            case NONE:
                return Condition.NONE;
            case CLASS:
                return Condition.ofLabel(100);
            default:
                Shape shape = Shape.of(textTokens, config.textWidth());
                return Condition.of(List.of(new TextEmbedding(HostTensor.withoutElements(DType.F32, shape), null)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"latte-class", "latte-text", "latte-variant-4"})
    void dryRunForecastsBytesAndOperations(String model) {
        try (DryRun dryRun = DryRun.exact()) {
            assertArrayEquals(cost(backend, model), cost(dryRun.backend(), model));
        }
    }

    /** Returns the peak bytes, without the weights, and the operations of one pass. */
    private static long[] cost(Backend on, String model) {
        try (LatteTransformer denoiser = LatteTransformer.load(Fixtures.model(model), "transformer", on, DType.F32);
                Workspace workspace = on.newWorkspace();
                Conditioning conditioning = denoiser.condition(
                        model.contains("text")
                                ? Condition.of(List.of(new TextEmbedding(HostTensor.of(new float[20], 2, 10), null)))
                                : Condition.ofLabel(1))) {
            Tensor latent = workspace.allocate(DType.F32, 4, 3, 6, 10);
            on.normal(3, latent);
            Tensor out = workspace.allocate(DType.F32, denoiser.prediction().outputOf(latent.shape()));
            on.memory().resetPeak();
            on.operations().reset();
            long before = on.memory().liveBytes();
            denoiser.predict(latent, 500, conditioning, out);
            return new long[] {on.memory().peakBytes() - before, on.operations().total()};
        }
    }

    @Test
    void invalidInputsAreRejectedWithTheRule() {
        try (LatteTransformer denoiser = load("latte-class")) {
            message("class label must be 0 to 4, found 5", () -> denoiser.condition(Condition.ofLabel(5)));
            message("condition must be a class label from 0 to 4, found text", () -> denoiser.condition(text(10)));
            message("[4, T, H, W]", () -> denoiser.requireLatent(Shape.of(8, 3, 6, 10)));
            message("latent must have 3 frames, found 1", () -> denoiser.requireLatent(Shape.of(4, 1, 6, 10)));
            message("6 x 10 cells", () -> denoiser.requireLatent(Shape.of(4, 3, 8, 8)));
        }
        try (LatteTransformer denoiser = load("latte-none")) {
            message("must be absent, found the class label 0", () -> denoiser.condition(Condition.ofLabel(0)));
            message("must be absent, found text", () -> denoiser.condition(text(10)));
        }
        try (LatteTransformer denoiser = load("latte-text")) {
            message("condition must be text, found the class label 0", () -> denoiser.condition(Condition.ofLabel(0)));
            message("text_dims[0] = 10, found 12", () -> denoiser.condition(text(12)));
            message("3 frames or 1, found 2", () -> denoiser.requireLatent(Shape.of(4, 2, 8, 8)));
            message("1x2x2", () -> denoiser.requireLatent(Shape.of(4, 3, 7, 8)));
            denoiser.requireLatent(Shape.of(4, 1, 20, 6));
        }
    }

    private static Condition text(int width) {
        return Condition.of(List.of(new TextEmbedding(HostTensor.of(new float[width], 1, width), null)));
    }

    private static void message(String part, Runnable action) {
        String message =
                assertThrows(IllegalArgumentException.class, action::run).getMessage();
        assertTrue(message.contains(part), message);
    }

    private LatteTransformer load(String model) {
        return LatteTransformer.load(Fixtures.model(model), "transformer", backend, DType.F32);
    }

    @ParameterizedTest
    @ValueSource(strings = {"pos_embed", "temp_embed"})
    void positionsOfAnotherFormulaAreRejected(String changed) {
        try (SafetensorsFile file = Fixtures.model("latte-none").tensors("transformer")) {
            float[] values = file.tensor(changed).toFloats();
            values[5] += 1e-4f;
            NamedTensors altered = new NamedTensors() {
                @Override
                public Set<String> names() {
                    return file.names();
                }

                @Override
                public HostTensor tensor(String name) {
                    HostTensor tensor = file.tensor(name);
                    return name.equals(changed)
                            ? HostTensor.of(values, tensor.shape().toArray())
                            : tensor;
                }
            };
            LatteConfig config = LatteConfig.read(Fixtures.model("latte-none").config("transformer/config.json"));
            CheckpointException error = assertThrows(
                    CheckpointException.class, () -> LatteTransformer.load(altered, config, backend, DType.F32));
            assertTrue(
                    error.getMessage().startsWith("tensor '" + changed + "': expected sinusoidal positions"),
                    error.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"latte\" | \"dit\" | architecture",
                "\"none\" | \"video\" | condition",
                "\"none\" | \"class\" | num_classes",
                "\"none\" | \"text\" | text_dims",
                "\"none\" | \"none\", \"num_classes\": 3 | num_classes",
                "\"depth\": 28 | \"depth\": 27 | depth",
                "\"depth\": 28 | \"depth\": 28, \"variant\": 5 | variant",
                "\"num_heads\": 16 | \"num_heads\": 7 | num_heads",
                "\"num_heads\": 16 | \"num_heads\": 3, \"variant\": 4 | num_heads",
                "\"hidden_size\": 1152 | \"hidden_size\": 1150 | hidden_size",
                "[1, 2, 2] | [2, 2, 2] | patch_size",
                "[1, 2, 2] | [1, 2, 4] | patch_size",
                "[32, 32] | [32, 33] | latent_size",
                "\"frames\": 16 | \"frames\": 0 | frames",
                "\"ffn_ratio\": 4.0 | \"ffn_ratio\": 4.0001 | ffn_ratio",
                "\"learn_sigma\": true | \"learn_sigma\": 8 | learn_sigma",
            })
    void invalidFieldsAreNamed(String good, String bad, String field) {
        String json = LatteTensors.XL.replace(good, bad);
        CheckpointException error = assertThrows(CheckpointException.class, () -> LatteTensors.config(json));
        assertTrue(error.getMessage().contains("'" + field + "'"), error.getMessage());
        assertThrows(
                CheckpointException.class,
                () -> LatteConfig.read(ConfigReader.parse(
                        "config.json",
                        LatteTensors.TEXT.replace("[64, 64]", "[64, 32]").getBytes(StandardCharsets.UTF_8))));
    }

    @Test
    void variantsOrderTheirBlocks() {
        String xl = LatteTensors.XL.replace("\"depth\": 28", "\"depth\": 4, \"variant\": V");
        assertEquals("[[SPACE]] false, [[TIME]] true, [[SPACE]] false, [[TIME]] false", plan(xl.replace("V", "1")));
        assertEquals("[[SPACE]] false, [[SPACE]] false, [[TIME]] true, [[TIME]] false", plan(xl.replace("V", "2")));
        assertEquals(
                "[[SPACE], [TIME]] true, [[SPACE], [TIME]] false, [[SPACE], [TIME]] false, [[SPACE], [TIME]] false",
                plan(xl.replace("V", "3")));
        assertEquals(
                "[[SPACE, TIME]] false, [[SPACE, TIME]] false, [[SPACE, TIME]] false, [[SPACE, TIME]] false",
                plan(xl.replace("V", "4")));
        assertEquals(
                List.of("transformer_blocks.27", "temporal_transformer_blocks.27"),
                LatteTensors.config(LatteTensors.TEXT).blocks().subList(54, 56).stream()
                        .map(LatteConfig.Block::name)
                        .toList());
    }

    private static String plan(String json) {
        return String.join(
                ", ",
                LatteTensors.config(json).blocks().stream()
                        .map(block -> block.attentions() + " " + block.addsFrames())
                        .toList());
    }

    /** Variant 3 of XL with 23 blocks has the parameters that the paper names. */
    @Test
    void variantThreeHasTheParametersOfThePaper() {
        LatteConfig config =
                LatteTensors.config(LatteTensors.XL.replace("\"depth\": 28", "\"depth\": 23, \"variant\": 3"));
        assertEquals(676.36, new LatteTensors(config).parameters() / 1e6, 0.005);
    }
}
