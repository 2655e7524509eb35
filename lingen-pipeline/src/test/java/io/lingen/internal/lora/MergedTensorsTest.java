package io.lingen.internal.lora;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.spi.Adapter;
import io.lingen.spi.ModelOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters in all spellings, merged into a model of two modules. */
class MergedTensorsTest {
    private static final int OUT = 3;
    private static final int IN = 4;
    private static final int RANK = 2;
    private static final HostTensor DOWN = counting(1, RANK, IN);
    private static final HostTensor UP = counting(2, OUT, RANK);
    private static final HostTensor BIAS = counting(5, OUT);

    @TempDir
    Path folder;

    private SafetensorsFile model;
    private ModelSource source;

    @BeforeEach
    void writeModel() throws IOException {
        Path file = folder.resolve("model.safetensors");
        SafetensorsWriter.write(
                file,
                Map.of(
                        "blocks.0.attn.to_q.weight", counting(0, OUT, IN),
                        "blocks.0.attn.to_q.bias", counting(7, OUT),
                        "proj_out.weight", counting(3, OUT, IN)),
                Map.of());
        model = SafetensorsFile.open(file);
        source = ModelSource.of(folder);
    }

    @Test
    void diffusersSpellingWithBias() throws IOException {
        NamedTensors merged = merge(
                0.5,
                Map.of(
                        "transformer.blocks.0.attn.to_q.lora_A.weight", DOWN,
                        "transformer.blocks.0.attn.to_q.lora_B.weight", UP,
                        "transformer.blocks.0.attn.to_q.lora_B.bias", BIAS));
        assertArrayEquals(
                expectedWeight(0.5), merged.tensor("blocks.0.attn.to_q.weight").toFloats(), 1e-5f);
        assertArrayEquals(
                new float[] {7 + 2.5f, 8 + 3, 9 + 3.5f},
                merged.tensor("blocks.0.attn.to_q.bias").toFloats(),
                1e-6f);
        assertSame(model.tensor("proj_out.weight"), merged.tensor("proj_out.weight"));
        assertEquals(model.names(), merged.names());
    }

    @Test
    void authorsSpellingWithAlpha() throws IOException {
        NamedTensors merged = merge(
                2,
                Map.of(
                        "diffusion_model.blocks.0.self.q.lora_down.weight", DOWN,
                        "diffusion_model.blocks.0.self.q.lora_up.weight", UP,
                        "diffusion_model.blocks.0.self.q.alpha",
                                HostTensor.of(new float[] {1}).reshape(),
                        "diffusion_model.blocks.0.self.q.diff_b", BIAS,
                        "diffusion_model.blocks.0.norm.diff", BIAS));
        // alpha / r = 1 / 2.
        assertArrayEquals(
                expectedWeight(1), merged.tensor("blocks.0.attn.to_q.weight").toFloats(), 1e-5f);
        assertEquals(7 + 2 * 5, merged.tensor("blocks.0.attn.to_q.bias").get(0));
    }

    @Test
    void underscoredSpelling() throws IOException {
        NamedTensors merged = merge(
                1,
                Map.of(
                        "lora_unet_blocks_0_attn_to_q.lora_down.weight", DOWN,
                        "lora_unet_blocks_0_attn_to_q.lora_up.weight", UP));
        assertArrayEquals(
                expectedWeight(1), merged.tensor("blocks.0.attn.to_q.weight").toFloats(), 1e-5f);
    }

    @Test
    void severalAdaptersAddUp() throws IOException {
        Map<String, HostTensor> adapter = Map.of(
                "transformer.blocks.0.attn.to_q.lora_A.weight", DOWN,
                "transformer.blocks.0.attn.to_q.lora_B.weight", UP);
        Path first = write("first", adapter);
        Path second = write("second", adapter);
        ModelOptions options = new ModelOptions(null, List.of(new Adapter(first, 0.25), new Adapter(second, 0.75)));
        NamedTensors merged = MergedTensors.of(model, options.applyTo(source), options, UnaryOperator.identity(), true);
        assertArrayEquals(
                expectedWeight(1), merged.tensor("blocks.0.attn.to_q.weight").toFloats(), 1e-5f);
    }

    @Test
    void dryRunReadsNoValues() throws IOException {
        ModelOptions options = options(
                1,
                Map.of(
                        "transformer.blocks.0.attn.to_q.lora_A.weight", DOWN,
                        "transformer.blocks.0.attn.to_q.lora_B.weight", UP));
        NamedTensors merged =
                MergedTensors.of(model, options.applyTo(source), options, UnaryOperator.identity(), false);
        assertSame(model.tensor("blocks.0.attn.to_q.weight"), merged.tensor("blocks.0.attn.to_q.weight"));
    }

    @Test
    void adapterOfAnotherModelIsRefusedWithNames() {
        assertRefused("no tensor that matches it", Map.of("transformer.layers.9.q.lora_A.weight", DOWN));
        assertRefused(
                "transformer.layers.9.q.lora_A.weight",
                Map.of(
                        "transformer.blocks.0.attn.to_q.lora_A.weight", DOWN,
                        "transformer.blocks.0.attn.to_q.lora_B.weight", UP,
                        "transformer.layers.9.q.lora_A.weight", DOWN));
        assertRefused("unexpected", Map.of("unexpected", DOWN));
    }

    @Test
    void incompleteOrMisshapenAdapterIsRefused() {
        String module = "transformer.blocks.0.attn.to_q";
        assertRefused("both factors", Map.of(module + ".lora_A.weight", DOWN));
        assertRefused("both factors", Map.of(module + ".alpha", HostTensor.of(new float[] {1}, 1)));
        assertRefused(
                "[3, 2], found [4, 2]",
                Map.of(module + ".lora_A.weight", DOWN, module + ".lora_B.weight", counting(0, 4, RANK)));
        assertRefused(
                "has none in the model",
                Map.of(
                        "transformer.proj_out.lora_A.weight", DOWN,
                        "transformer.proj_out.lora_B.weight", UP,
                        "transformer.proj_out.lora_B.bias", BIAS));
    }

    @Test
    void missingFileIsNamed() {
        ModelOptions options = new ModelOptions(null, List.of(new Adapter(folder.resolve("none.safetensors"), 1)));
        CheckpointException e = assertThrows(
                CheckpointException.class,
                () -> MergedTensors.of(model, options.applyTo(source), options, UnaryOperator.identity(), true));
        assertTrue(e.getMessage().contains("none.safetensors"), e.getMessage());
    }

    @Test
    void pathsCoverTheScale() {
        Path file = folder.resolve("a.safetensors");
        String half = new ModelOptions(null, List.of(new Adapter(file, 0.5))).adapterPath(0);
        String whole = new ModelOptions(null, List.of(new Adapter(file, 1))).adapterPath(0);
        assertEquals("options/adapter-0-scale-0.5.safetensors", half);
        assertEquals("options/adapter-0-scale-1.0.safetensors", whole);
    }

    @Test
    void onlyANumberAfterTheLastColonIsAScale() {
        assertEquals(new Adapter(Path.of("style.safetensors"), 0.8), Adapter.parse("style.safetensors:0.8"));
        assertEquals(new Adapter(Path.of("style.safetensors"), -1), Adapter.parse("style.safetensors:-1"));
        assertEquals(new Adapter(Path.of("style.safetensors"), 1), Adapter.parse("style.safetensors"));
        assertEquals(new Adapter(Path.of("a:b.safetensors"), 1), Adapter.parse("a:b.safetensors"));
        assertEquals(new Adapter(Path.of("a:2"), 3), Adapter.parse("a:2:3"));
        assertEquals(new Adapter(Path.of("a:NaN"), 1), Adapter.parse("a:NaN"));
    }

    private void assertRefused(String expected, Map<String, HostTensor> adapter) {
        CheckpointException e = assertThrows(CheckpointException.class, () -> merge(1, adapter));
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }

    private NamedTensors merge(double scale, Map<String, HostTensor> adapter) throws IOException {
        ModelOptions options = options(scale, adapter);
        return MergedTensors.of(
                model, options.applyTo(source), options, name -> name.replace("self.q", "attn.to_q"), true);
    }

    private ModelOptions options(double scale, Map<String, HostTensor> adapter) throws IOException {
        return new ModelOptions(null, List.of(new Adapter(write("adapter", adapter), scale)));
    }

    private Path write(String name, Map<String, HostTensor> tensors) throws IOException {
        Path file = folder.resolve(name + ".safetensors");
        Files.deleteIfExists(file);
        SafetensorsWriter.write(file, new TreeMap<>(tensors), Map.of());
        return file;
    }

    /** The model's weight with {@code scale * UP DOWN} added, term by term. */
    private static float[] expectedWeight(double scale) {
        float[] expected = new float[OUT * IN];
        for (int row = 0; row < OUT; row++) {
            for (int column = 0; column < IN; column++) {
                double sum = 0;
                for (int r = 0; r < RANK; r++) {
                    sum += UP.get(row * RANK + r) * (double) DOWN.get(r * IN + column);
                }
                expected[row * IN + column] = (float) (row * IN + column + scale * sum);
            }
        }
        return expected;
    }

    private static HostTensor counting(int first, long... lengths) {
        int elements = 1;
        for (long length : lengths) {
            elements *= (int) length;
        }
        float[] values = new float[elements];
        for (int i = 0; i < elements; i++) {
            values[i] = first + i;
        }
        return HostTensor.of(values, lengths);
    }
}
