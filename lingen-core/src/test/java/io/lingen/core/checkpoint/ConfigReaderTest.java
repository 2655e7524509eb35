package io.lingen.core.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ConfigReaderTest {
    private enum Scan {
        FIXED,
        ROTARY_MAJOR
    }

    private static ConfigReader parse(String json) {
        return ConfigReader.parse("transformer/config.json", json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void allKindsOfFieldsAreRead() {
        ConfigReader reader = parse("""
                {"depth": 28, "ratio": 4.0, "count": 1, "ma": true, "name": "lingen", "scan": "rotary_major",
                 "patch": [1, 2, 2], "mean": [0.5, -1], "files": ["a", "b"], "halves": [false, true], "tesa": null,
                 "mamba": {"d_state": 128}, "parts": [{"a": 1}, {"a": 2}],
                 "seed": -9223372036854775808}
                """);
        assertEquals(28, reader.integer("depth", 1, 100));
        assertEquals(4.0, reader.number("ratio", 0, 10));
        assertEquals(1.0, reader.number("count", 0, 10), "a whole number is a number");
        assertTrue(reader.flag("ma"));
        assertEquals("lingen", reader.text("name"));
        assertEquals(Scan.ROTARY_MAJOR, reader.choice("scan", Scan.class));
        assertArrayEquals(new int[] {1, 2, 2}, reader.integers("patch", 3, 3, 1, 8));
        assertArrayEquals(new double[] {0.5, -1}, reader.numbers("mean", 2));
        assertEquals(List.of("a", "b"), reader.texts("files"));
        assertEquals(List.of(false, true), reader.flags("halves", 2));
        assertFalse(reader.has("tesa"));
        assertNull(reader.objectOrNull("tesa"));
        ConfigReader mamba = reader.objectOrNull("mamba");
        assertNotNull(mamba);
        assertEquals(128, mamba.integer("d_state", 1, 1024));
        mamba.end();
        assertEquals(2, reader.objects("parts").get(1).integer("a", 0, 9));
        assertEquals(Long.MIN_VALUE, reader.whole("seed"));
        assertEquals(14, reader.fields().size());
        reader.end();
    }

    @Test
    void rowsOfIntegersAreRead() {
        ConfigReader reader = parse("{\"upsample\": [[2, 2, 2], [1, 2, 4]], \"none\": []}");
        assertArrayEquals(
                new int[][] {{2, 2, 2}, {1, 2, 4}},
                reader.integerRows("upsample", 0, 7, 3, 1, 16).toArray(new int[0][]));
        assertEquals(0, reader.integerRows("none", 0, 7, 3, 1, 16).size());
        reader.end();
        assertError(
                "upsample[1][2]': found 4, expected an integer from 1 to 3",
                () -> reader.integerRows("upsample", 0, 7, 3, 1, 3));
        assertError("upsample[0]'", () -> reader.integerRows("upsample", 0, 7, 2, 1, 16));
        assertError("an array of 1 arrays of 3 integers", () -> reader.integerRows("upsample", 1, 1, 3, 1, 16));
    }

    @Test
    void wholeReads64Bits() {
        ConfigReader reader = parse("{\"seed\": 9223372036854775808, \"half\": 0.5}");
        assertError(
                "field 'seed': found 9223372036854775808, expected an integer of 64 bits", () -> reader.whole("seed"));
        assertError("field 'half': found 0.5", () -> reader.whole("half"));
        assertError("field 'none': found nothing", () -> reader.whole("none"));
    }

    @Test
    void invalidNamesFileAndObject() {
        ConfigReader reader = parse("{\"tile\": {\"overlap\": 9}}");
        IllegalArgumentException refusal = new IllegalArgumentException("overlap: found 9, expected 3");
        assertEquals(
                "transformer/config.json: in 'tile': overlap: found 9, expected 3",
                reader.object("tile").invalid(refusal).getMessage());
        assertEquals(
                "transformer/config.json: overlap: found 9, expected 3",
                reader.invalid(refusal).getMessage());
    }

    @Test
    void fallbacksReplaceMissingAndNullFields() {
        ConfigReader reader = parse("{\"a\": null}");
        assertEquals(3, reader.integerOr("a", 3, 1, 9));
        assertEquals(0.5, reader.numberOr("b", 0.5, 0, 1));
        assertTrue(reader.flagOr("c", true));
        assertEquals("x", reader.textOr("d", "x"));
        assertEquals(Scan.FIXED, reader.choiceOr("e", Scan.class, Scan.FIXED));
        reader.end();
    }

    @Test
    void errorsNameFileFieldValueAndRule() {
        ConfigReader reader = parse("""
                {"depth": 0, "half": 1.5, "huge": 99999999999, "far": 1e999, "scan": "diagonal", "patch": [1, 2, "x"],
                 "long": [1, 2, 3, 4], "mamba": {"d_state": -1}, "list": [{"a": 1}, 2], "flag": 1, "mean": [null],
                 "files": [1], "flags": [true, 0]}
                """);
        assertError("field 'depth': found 0, expected an integer from 1 to 9", () -> reader.integer("depth", 1, 9));
        assertError("field 'half': found 1.5, expected an integer", () -> reader.integer("half", 1, 9));
        assertError("field 'huge': found 99999999999,", () -> reader.integer("huge", 1, Integer.MAX_VALUE));
        assertError("field 'far'", () -> reader.number("far", 0, Double.POSITIVE_INFINITY));
        assertError("field 'none': found nothing, expected an integer", () -> reader.integer("none", 1, 9));
        assertError("one of \"fixed\", \"rotary_major\"", () -> reader.choice("scan", Scan.class));
        assertError("field 'patch[2]': found \"x\"", () -> reader.integers("patch", 1, 3, 1, 9));
        assertError("an array of 1 to 3 integers", () -> reader.integers("long", 1, 3, 1, 9));
        assertError(
                "field 'mamba.d_state': found -1", () -> reader.object("mamba").integer("d_state", 1, 9));
        assertError("field 'list[1]': found 2, expected an object", () -> reader.objects("list"));
        assertError("true or false", () -> reader.flag("flag"));
        assertError("expected a string", () -> reader.text("flag"));
        assertError("field 'flags[1]': found 0, expected true or false", () -> reader.flags("flags", 2));
        assertError("an array of 3 flags, true or false", () -> reader.flags("flags", 3));
        assertError("field 'files[0]'", () -> reader.texts("files"));
        assertError("field 'mean[0]'", () -> reader.numbers("mean", 1));
        assertError("an array of 2 numbers", () -> reader.numbers("mean", 2));
        assertError("an object", () -> reader.object("depth"));
        assertEquals(
                "transformer/config.json: field 'depth': found [1, 2], expected one",
                reader.error("depth", new int[] {1, 2}, "one").getMessage());
    }

    @Test
    void unknownFieldsAreErrors() {
        ConfigReader reader = parse("{\"depth\": 1, \"dept\": 2, \"off\": 3, \"mamba\": {\"x\": 1}}");
        reader.integer("depth", 1, 9);
        reader.ignore("off");
        ConfigReader mamba = reader.object("mamba");
        assertError("unknown field 'dept'", reader::end);
        ConfigReader hostile = parse("{\"\\u001b[2J" + "x".repeat(5000) + "\": 1}");
        assertError("'\\u001b[2Jxxx", hostile::end);
        assertTrue(assertThrows(CheckpointException.class, hostile::end)
                        .getMessage()
                        .length()
                < 300);
        assertError("unknown field 'mamba.x' in 'mamba'", mamba::end);
    }

    /** Python writes them; diffusers has one in the configuration of a scheduler. */
    @ParameterizedTest
    @ValueSource(strings = {"NaN", "Infinity", "-Infinity"})
    void numbersThatAreNotFiniteMayBeIgnoredButNotRead(String number) {
        ConfigReader reader = parse("{\"lambda\": " + number + ", \"list\": [" + number + "], \"steps\": 2}");
        assertEquals(2, reader.integer("steps", 1, 3));
        assertError("field 'lambda': found", () -> reader.number("lambda", -1e300, 1e300));
        assertError("expected a finite number", () -> reader.numbers("list", 1));
        assertError("field 'lambda': found", () -> reader.integer("lambda", 0, 9));
        assertError("field 'lambda': found", () -> reader.whole("lambda"));
    }

    @Test
    void illFormedJsonIsRejected() {
        assertError("uplicate", () -> parse("{\"a\": 1, \"a\": 2}"));
        assertError("JSON object", () -> parse("[1]"));
        assertError("JSON object", () -> parse(""));
        assertError("expected JSON", () -> parse("{\"a\": nan}"));
        assertError("expected JSON", () -> parse("{} x"));
        assertError("depth", () -> parse("{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}"));
    }

    private static void assertError(String part, Executable executable) {
        CheckpointException e = assertThrows(CheckpointException.class, executable);
        assertTrue(
                e.getMessage().startsWith("transformer/config.json")
                        && e.getMessage().contains(part),
                e.getMessage());
    }
}
