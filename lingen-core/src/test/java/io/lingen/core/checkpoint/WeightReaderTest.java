package io.lingen.core.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.LinearWeights;
import io.lingen.core.Shape;
import io.lingen.core.backend.CountingBackend;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class WeightReaderTest {
    private static final String HEADER = """
            {"blocks.0.fc.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
             "blocks.0.fc.bias": {"dtype": "BF16", "shape": [2], "data_offsets": [24, 28]},
             "ids": {"dtype": "I64", "shape": [1], "data_offsets": [28, 36]}}""";

    private final WeightReader reader = WeightReader.of(SafetensorsBytes.read(SafetensorsBytes.of(HEADER, 36)));

    @Test
    void weightsAreReadUnderAPrefix() {
        WeightReader block = reader.under("blocks.0.");
        assertTrue(block.has("fc.weight"));
        assertFalse(block.has("fc2.weight"));
        LinearWeights.Source layer = block.linear("fc", 3, 2);
        assertNotNull(layer.bias());
        assertEquals(Shape.of(2, 3), layer.weight().shape());
        assertNull(
                reader.under("blocks").under("0").linearWithoutBias("fc", 3, 2).bias());
    }

    @Test
    void whatDoesNotFitIsNamed() {
        WeightReader block = reader.under("blocks.0");
        assertMessage("'blocks.0.fc2.weight' of shape [2, 3]", () -> block.linear("fc2", 3, 2));
        assertMessage("expected the shape [3, 2], found [2, 3]", () -> block.tensor("fc.weight", 3, 2));
        assertMessage("found I64", () -> reader.tensor("ids", 1));
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
    void valuesThatAreNotFiniteAreRefused(DType dtype, int bytes, String nan, String infinity, String largest) {
        // The last of several chunks, an odd number of elements: every part of the scan is asked.
        long elements = (9 << 20) / bytes + 3;
        String header = "{\"a.weight\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
                .formatted(dtype, elements, elements * bytes);
        for (long at : new long[] {0, 1, elements / 2, elements - 2, elements - 1}) {
            for (String value : new String[] {nan, infinity, largest}) {
                byte[] file = SafetensorsBytes.withLength(
                        header.length(), header.getBytes(StandardCharsets.UTF_8), new byte[(int) elements * bytes]);
                System.arraycopy(
                        HexFormat.of().parseHex(value), 0, file, 8 + header.length() + (int) at * bytes, bytes);
                WeightReader weights =
                        WeightReader.of(SafetensorsBytes.read(file)).under("a");
                if (value.equals(largest)) {
                    assertEquals(
                            elements, weights.tensor("weight", elements).shape().elements());
                } else {
                    assertMessage("'a.weight': expected finite weights", () -> weights.tensor("weight", elements));
                }
            }
        }
    }

    @Test
    void aBackendThatOnlyCountsNeedsNoValues() {
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
        byte[] nan = {0, 0, (byte) 0xC0, 0x7F};
        byte[] file = SafetensorsBytes.withLength(header.length(), header.getBytes(StandardCharsets.UTF_8), nan);
        WeightReader weights = WeightReader.of(SafetensorsBytes.read(file), new CountingBackend());
        assertTrue(Float.isNaN(weights.tensor("a", 1).get(0)));
    }

    @Test
    void whatIsIgnoredMayBeThere() {
        reader.ignore("blocks.0");
        assertMessage("1 more that the configuration has no place for: ids", reader::end);
    }

    @Test
    void whatNobodyReadIsAnError() {
        reader.under("blocks.0").tensor("fc.weight", 2, 3);
        assertMessage("blocks.0.fc.bias, ids", reader::end);
        assertThrows(IllegalStateException.class, () -> reader.under("blocks").end());
        WeightReader whole = WeightReader.of(SafetensorsBytes.read(SafetensorsBytes.of("{}", 0)));
        whole.end();
    }

    private static void assertMessage(String part, Executable executable) {
        CheckpointException e = assertThrows(CheckpointException.class, executable);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }
}
