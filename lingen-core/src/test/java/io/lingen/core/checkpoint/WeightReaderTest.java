package io.lingen.core.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.LinearWeights;
import io.lingen.core.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

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
