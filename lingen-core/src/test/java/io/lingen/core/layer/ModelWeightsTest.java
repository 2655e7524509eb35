package io.lingen.core.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
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
import io.lingen.core.checkpoint.SafetensorsBytes;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Padding;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ModelWeightsTest {
    private static final String HEADER = """
            {"blocks.0.fc.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
             "blocks.0.fc.bias": {"dtype": "BF16", "shape": [2], "data_offsets": [24, 28]},
             "ids": {"dtype": "I64", "shape": [1], "data_offsets": [28, 36]}}""";

    private Backend backend;
    private Workspace workspace;
    private ModelWeights weights;

    @BeforeEach
    void open() {
        backend = Backends.create("nd4j", new BackendOptions(1));
        workspace = backend.newWorkspace();
        weights = of(fixture());
    }

    @AfterEach
    void close() {
        workspace.close();
        assertEquals(0, backend.memory().liveBytes(), "everything is freed");
        backend.close();
    }

    @Test
    void layersAreReadUnderAPrefix() {
        ModelWeights block = weights.under("blocks.0.");
        assertTrue(block.has("fc.weight"));
        assertFalse(block.has("fc2.weight"));
        assertEquals(Shape.of(2, 3), block.host("fc.weight", 2, 3).shape());
        // W = 1 2 3 / 4 5 6, bias = 1 -2.
        assertArrayEquals(new float[] {7, 13}, apply(block.linear("fc", 3, 2)));
        ModelWeights same = weights.under("blocks").under("0");
        assertArrayEquals(new float[] {6, 15}, apply(same.linearWithoutBias("fc", 3, 2)));
        HostTensor secondRow = same.host("fc.weight", 2, 3).slice(1, 2);
        assertArrayEquals(new float[] {15}, apply(same.linear(secondRow, null)));
    }

    @Test
    void layersHaveThePrecisionOfTheWeights() {
        assertSame(backend, weights.under("blocks").backend());
        assertSame(workspace, weights.under("blocks").workspace());
        assertEquals(DType.F32, weights.under("blocks").precision());
        ModelWeights coarse = weights.withPrecision(DType.BF16).under("blocks.0");
        assertEquals(DType.BF16, coarse.precision());
        Linear layer = coarse.linear("fc", 3, 2);
        assertEquals(3, layer.inFeatures());
        assertEquals(2, layer.outFeatures());
        HostTensor kernel = coarse.host("fc.weight", 2, 3).reshape(2, 1, 3, 1, 1);
        ConvolutionWeights convolution = coarse.convolution(
                kernel, coarse.host("fc.bias", 2), new Dims3(2, 1, 3), new Padding(1, 1, 0, 0, 0, 0));
        assertEquals(DType.BF16, convolution.dtype());
        assertEquals(Shape.of(3, 4, 2, 2), convolution.parameters().outputOf(Shape.of(5, 4, 5, 1)));
    }

    @Test
    void parametersAreF32InEveryPrecision() {
        ModelWeights block = weights.withPrecision(DType.BF16).under("blocks.0");
        Tensor bias = block.vector("fc.bias", 2);
        assertEquals(DType.F32, bias.dtype());
        assertArrayEquals(new float[] {1, -2}, backend.download(bias).toFloats());
        Tensor matrix = block.tensor("fc.weight", 2, 3);
        assertEquals(DType.F32, matrix.dtype());
        assertArrayEquals(
                new float[] {1, 2, 3, 4, 5, 6}, backend.download(matrix).toFloats());
    }

    @Test
    void functionsAreAppliedToVectors() {
        ModelWeights block = weights.withPrecision(DType.BF16).under("blocks.0");
        Tensor vector = block.vector("fc.bias", 2, value -> 0.75 - 3 * value);
        assertEquals(DType.F32, vector.dtype());
        assertArrayEquals(new float[] {-2.25f, 6.75f}, backend.download(vector).toFloats());
        assertMessage("expected the shape [3], found [2]", () -> block.vector("fc.bias", 3, value -> value));
    }

    @Test
    void rowsAreReadInTheirOrder() {
        ModelWeights coarse = weights.withPrecision(DType.BF16).under("blocks.0");
        Tensor rows = coarse.rows("fc.weight", new long[] {1, 0, 1}, 2, 3);
        assertEquals(DType.F32, rows.dtype());
        assertEquals(Shape.of(3, 3), rows.shape());
        assertArrayEquals(
                new float[] {4, 5, 6, 1, 2, 3, 4, 5, 6}, backend.download(rows).toFloats());
        assertThrows(IndexOutOfBoundsException.class, () -> coarse.rows("fc.weight", new long[] {2}, 2, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> coarse.rows("fc.weight", new long[] {-1}, 2, 3));
        assertMessage("expected the shape [3, 3], found [2, 3]", () -> coarse.rows("fc.weight", new long[1], 3, 3));
    }

    @Test
    void onlyTheRowsThatAreReadHaveToBeFinite() {
        ByteBuffer values = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        values.putFloat(1).putFloat(2).putFloat(Float.NaN).putFloat(4);
        String header = "{\"e\": {\"dtype\": \"F32\", \"shape\": [2, 2], \"data_offsets\": [0, 16]}}";
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ModelWeights table = of(SafetensorsBytes.read(SafetensorsBytes.withLength(json.length, json, values.array())));
        assertArrayEquals(
                new float[] {1, 2},
                backend.download(table.rows("e", new long[1], 2, 2)).toFloats());
        assertMessage("expected finite weights", () -> table.rows("e", new long[] {0, 1}, 2, 2));
    }

    @Test
    void invalidTensorsAreNamed() {
        ModelWeights block = weights.under("blocks.0");
        assertMessage("'blocks.0.fc2.weight' of shape [2, 3]", () -> block.linear("fc2", 3, 2));
        assertMessage("'blocks.0.norm.weight' of shape [3]", () -> block.vector("norm.weight", 3));
        assertMessage("expected the shape [3, 2], found [2, 3]", () -> block.tensor("fc.weight", 3, 2));
        assertMessage("expected the shape [3], found [2, 3]", () -> block.vector("fc.weight", 3));
        assertMessage("found I64", () -> weights.host("ids", 1));
    }

    @ParameterizedTest
    @CsvSource({
        "F32, 4, 0000c07f, 0000807f, ffff7f7f",
        "F32, 4, 0100807f, 000080ff, ffff7fff",
        "BF16, 2, c07f, 807f, 7f7f",
        "BF16, 2, c1ff, 80ff, 7fff",
        "F16, 2, 007e, 007c, ff7b",
        "F16, 2, 01fc, 00fc, fffb"
    })
    void nonFiniteValuesAreRejected(DType dtype, int bytes, String nan, String infinity, String largest) {
        // Several chunks and an odd number of elements cover every part of the check.
        long elements = (9 << 20) / bytes + 3;
        String header = "{\"a.weight\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
                .formatted(dtype, elements, elements * bytes);
        for (long at : new long[] {0, 1, elements / 2, elements - 2, elements - 1}) {
            for (String value : new String[] {nan, infinity, largest}) {
                byte[] file = SafetensorsBytes.withLength(
                        header.length(), header.getBytes(StandardCharsets.UTF_8), new byte[(int) elements * bytes]);
                System.arraycopy(
                        HexFormat.of().parseHex(value), 0, file, 8 + header.length() + (int) at * bytes, bytes);
                ModelWeights layer = of(SafetensorsBytes.read(file)).under("a");
                if (value.equals(largest)) {
                    assertEquals(
                            elements, layer.host("weight", elements).shape().elements());
                } else {
                    assertMessage("'a.weight': expected finite weights", () -> layer.host("weight", elements));
                }
            }
        }
    }

    @Test
    void dryRunNeedsNoValues() {
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
        byte[] nan = {0, 0, (byte) 0xC0, 0x7F};
        byte[] file = SafetensorsBytes.withLength(header.length(), header.getBytes(StandardCharsets.UTF_8), nan);
        try (Backend dryRun = DryRun.exact().backend();
                Workspace counted = dryRun.newWorkspace()) {
            ModelWeights uncomputed = ModelWeights.of(SafetensorsBytes.read(file), dryRun, counted, DType.F32);
            assertTrue(Float.isNaN(uncomputed.host("a", 1).get(0)));
        }
    }

    @Test
    void ignoredTensorsAreAccepted() {
        weights.ignore("blocks.0");
        assertMessage("1 more that the configuration does not use: ids", weights::requireAllRead);
    }

    @Test
    void unreadTensorsAreErrors() {
        weights.under("blocks.0").tensor("fc.weight", 2, 3);
        assertMessage("blocks.0.fc.bias, ids", weights::requireAllRead);
        assertThrows(IllegalStateException.class, () -> weights.under("blocks").requireAllRead());
        of(SafetensorsBytes.read(SafetensorsBytes.of("{}", 0))).requireAllRead();
    }

    @Test
    void loadedModelOwnsItsWorkspace() {
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
        Workspace owned =
                ModelWeights.load(SafetensorsBytes.read(SafetensorsBytes.of(header, 8)), backend, DType.BF16, all -> {
                    assertEquals(DType.BF16, all.precision());
                    all.vector("a", 2);
                    return all.workspace();
                });
        assertEquals(2 * Float.BYTES, backend.memory().liveBytes());
        owned.close();
    }

    @Test
    void loadingFreesTheWeightsWhenItFails() {
        AtomicReference<Workspace> opened = new AtomicReference<>();
        assertMessage(
                "does not use: blocks.0.fc.weight, ids",
                () -> ModelWeights.load(fixture(), backend, DType.F32, all -> {
                    opened.set(all.workspace());
                    return all.vector("blocks.0.fc.bias", 2);
                }));
        assertThrows(IllegalStateException.class, () -> opened.get().allocate(DType.F32, 1));
        IllegalArgumentException cause = new IllegalArgumentException("the model's own");
        assertSame(
                cause,
                assertThrows(
                        IllegalArgumentException.class,
                        () -> ModelWeights.load(fixture(), backend, DType.F32, all -> {
                            opened.set(all.workspace());
                            throw cause;
                        })));
        assertThrows(IllegalStateException.class, () -> opened.get().allocate(DType.F32, 1));
        assertEquals(0, backend.memory().liveBytes());
    }

    /** Applies a layer to rows of ones. */
    private float[] apply(Linear layer) {
        Tensor ones = backend.upload(workspace, HostTensor.of(new float[] {1, 1, 1}, 1, 3), DType.F32);
        float[] result =
                backend.download(layer.apply(workspace, ones, DType.F32)).toFloats();
        Tensor out = workspace.allocate(DType.F32, 1, layer.outFeatures());
        layer.apply(ones, Epilogue.NONE, out);
        assertArrayEquals(result, backend.download(out).toFloats());
        return result;
    }

    private ModelWeights of(SafetensorsFile file) {
        return ModelWeights.of(file, backend, workspace, DType.F32);
    }

    private static SafetensorsFile fixture() {
        ByteBuffer data = ByteBuffer.allocate(36).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : new float[] {1, 2, 3, 4, 5, 6}) {
            data.putFloat(value);
        }
        for (float value : new float[] {1, -2}) {
            data.putShort((short) (Float.floatToIntBits(value) >>> 16)); // BF16
        }
        byte[] header = HEADER.getBytes(StandardCharsets.UTF_8);
        return SafetensorsBytes.read(SafetensorsBytes.withLength(header.length, header, data.array()));
    }

    private static void assertMessage(String part, Executable executable) {
        CheckpointException e = assertThrows(CheckpointException.class, executable);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }
}
