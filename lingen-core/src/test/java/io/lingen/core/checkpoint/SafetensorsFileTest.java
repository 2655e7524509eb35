package io.lingen.core.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class SafetensorsFileTest {
    @TempDir
    private Path folder;

    @Test
    void writtenFilesAreReadBack() {
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        tensors.put("flags", new HostTensor(DType.BOOL, Shape.of(3), MemorySegment.ofArray(new byte[] {1, 0, 1})));
        tensors.put("weight", HostTensor.of(new float[] {1.5f, -2, 3, 4, 5, 6}, 2, 3));
        tensors.put("scalar", HostTensor.of(new float[] {7}));
        tensors.put("empty", HostTensor.of(new float[0], 0, 5));
        Path file = folder.resolve("a.safetensors");
        SafetensorsWriter.write(file, tensors, Map.of("format", "pt", "note", "a \"b\" \u00e9"));
        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertEquals(Set.of("flags", "weight", "scalar", "empty"), read.names());
            assertEquals(Map.of("format", "pt", "note", "a \"b\" \u00e9"), read.metadata());
            assertArrayEquals(
                    new float[] {1.5f, -2, 3, 4, 5, 6}, read.tensor("weight").toFloats());
            assertEquals(Shape.of(2, 3), read.tensor("weight").shape());
            assertEquals(Shape.of(), read.tensor("scalar").shape());
            assertArrayEquals(new float[] {1, 0, 1}, read.tensor("flags").toFloats());
            assertEquals(Shape.of(0, 5), read.tensor("empty").shape());
            assertTrue(read.tensor("weight").memory().isMapped());
            assertEquals(0, read.tensor("weight").memory().address() % 4, "the writer aligns");
        }
    }

    @Test
    void tensorsOutliveTheFile() throws IOException {
        Path file = folder.resolve("a.safetensors");
        SafetensorsWriter.write(file, Map.of("a", HostTensor.of(new float[] {1, 2}, 2)), Map.of());
        SafetensorsFile read = SafetensorsFile.open(file);
        HostTensor tensor = read.tensor("a");
        read.close();
        System.gc();
        assertArrayEquals(new float[] {1, 2}, tensor.toFloats());
        assertThrows(IllegalStateException.class, () -> read.tensor("a"));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(1, files.count(), "no temporary file is left");
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void allTypesAreRead(DType dtype) {
        ByteBuffer data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        switch (dtype) {
            case F32 -> data.putFloat(-1.5f).putFloat(2);
            case BF16 -> data.putShort((short) 0xBFC0).putShort((short) 0x4000);
            case F16 -> data.putShort(Float.floatToFloat16(-1.5f)).putShort(Float.floatToFloat16(2));
            case F64 -> data.putDouble(-1.5).putDouble(2);
            case I64 -> data.putLong(-1).putLong(2);
            case I32 -> data.putInt(-1).putInt(2);
            case I16 -> data.putShort((short) -1).putShort((short) 2);
            case I8 -> data.put((byte) -1).put((byte) 2);
            case U8 -> data.put((byte) 255).put((byte) 2);
            case BOOL -> data.put((byte) 0).put((byte) 1);
        }
        byte[] bytes = new byte[2 * dtype.bytes()];
        data.get(0, bytes);
        // An odd header length makes all tensors unaligned.
        String header = "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[2],\"data_offsets\":[0," + bytes.length + "]}}";
        byte[] json = (header + (header.length() % 2 == 0 ? " " : "")).getBytes(StandardCharsets.UTF_8);
        HostTensor tensor = SafetensorsBytes.read(SafetensorsBytes.withLength(json.length, json, bytes))
                .tensor("a");
        float[] expected =
                switch (dtype) {
                    case F32, BF16, F16, F64 -> new float[] {-1.5f, 2};
                    case I64, I32, I16, I8 -> new float[] {-1, 2};
                    case U8 -> new float[] {255, 2};
                    case BOOL -> new float[] {0, 1};
                };
        assertEquals(dtype, tensor.dtype());
        assertArrayEquals(expected, tensor.toFloats());
    }

    @Test
    void shardsAreJoined() throws IOException {
        SafetensorsWriter.write(
                folder.resolve("m-1.safetensors"), Map.of("a", HostTensor.of(new float[] {1}, 1)), Map.of("k", "v"));
        SafetensorsWriter.write(
                folder.resolve("m-2.safetensors"),
                Map.of("b", HostTensor.of(new float[] {2}, 1), "c", HostTensor.of(new float[] {3}, 1)),
                Map.of());
        Path index = index("{\"metadata\":{\"total_size\":12},\"weight_map\":"
                + "{\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\",\"c\":\"m-2.safetensors\"}}");
        try (SafetensorsFile read = SafetensorsFile.open(index)) {
            assertEquals(Set.of("a", "b", "c"), read.names());
            assertEquals(3, read.tensor("c").get(0));
            assertEquals(Map.of("k", "v"), read.metadata());
        }
    }

    @Test
    void shardsMayBeLinks(@TempDir Path cache) throws IOException {
        Path blob = cache.resolve("blob");
        SafetensorsWriter.write(blob, Map.of("a", HostTensor.of(new float[] {1}, 1)), Map.of());
        Files.createSymbolicLink(folder.resolve("m.safetensors"), blob);
        try (SafetensorsFile read = SafetensorsFile.open(index("{\"weight_map\":{\"a\":\"m.safetensors\"}}"))) {
            assertEquals(Set.of("a"), read.names());
        }
    }

    @Test
    void indexesCannotLeaveTheirFolder() throws IOException {
        for (String shard : new String[] {"../m.safetensors", "/etc/passwd", "a/b", "..", "C:\\\\x", "", "a\\u0000b"}) {
            Path index = index("{\"weight_map\":{\"a\":\"" + shard + "\"}}");
            assertMessage("plain name", () -> SafetensorsFile.open(index));
        }
    }

    @Test
    void indexesMustMatchTheirShards() throws IOException {
        SafetensorsWriter.write(
                folder.resolve("m.safetensors"),
                Map.of("a", HostTensor.of(new float[] {1}, 1), "b", HostTensor.of(new float[] {1}, 1)),
                Map.of());
        Path missing =
                index("{\"weight_map\":{\"a\":\"m.safetensors\",\"b\":\"m.safetensors\",\"x\":\"m.safetensors\"}}");
        assertMessage("no such tensor", () -> SafetensorsFile.open(missing));
        Path unlisted = index("{\"weight_map\":{\"a\":\"m.safetensors\"}}");
        assertMessage("'b'", () -> SafetensorsFile.open(unlisted));
        Path absent = index("{\"weight_map\":{\"a\":\"n.safetensors\"}}");
        assertMessage("found none", () -> SafetensorsFile.open(absent));
        Path number = index("{\"weight_map\":{\"a\":1}}");
        assertMessage("plain name", () -> SafetensorsFile.open(number));
        Path elsewhere = index("{\"weight_map\":{\"a\":\"model.safetensors.index.json\"}}");
        assertMessage("expected a safetensors", () -> SafetensorsFile.open(elsewhere));
        Path none = index("{\"weight_map\":{}}");
        assertMessage("weight_map", () -> SafetensorsFile.open(none));
    }

    static Stream<Arguments> illFormed() {
        return Stream.of(
                Arguments.of("unknown type", entry("\"F4\"", "[4]", "[0,4]"), 4, "dtype"),
                Arguments.of("fp8", entry("\"F8_E4M3\"", "[4]", "[0,4]"), 4, "an fp8-scaled checkpoint"),
                Arguments.of("other fp8", entry("\"F8_E5M2\"", "[4]", "[0,4]"), 4, "an fp8-scaled checkpoint"),
                Arguments.of("lower-case type", entry("\"f32\"", "[1]", "[0,4]"), 4, "dtype"),
                Arguments.of("type of another kind", entry("32", "[1]", "[0,4]"), 4, "dtype"),
                Arguments.of("negative length", entry("\"F32\"", "[-1]", "[0,4]"), 4, "shape"),
                Arguments.of("negative product", entry("\"F32\"", "[-1,-1]", "[0,4]"), 4, "shape"),
                Arguments.of("broken length", entry("\"F32\"", "[1.0]", "[0,4]"), 4, "shape"),
                Arguments.of("length as text", entry("\"F32\"", "[\"1\"]", "[0,4]"), 4, "shape"),
                Arguments.of("no shape", entry("\"F32\"", "null", "[0,4]"), 4, "shape"),
                Arguments.of("length over 63 bits", entry("\"F32\"", "[9223372036854775808]", "[0,4]"), 4, "shape"),
                Arguments.of("product overflows", entry("\"F32\"", "[4294967296,4294967296]", "[0,4]"), 4, "shape"),
                Arguments.of("bytes overflow", entry("\"F32\"", "[4611686018427387905]", "[0,4]"), 4, "bytes of"),
                Arguments.of("too few bytes", entry("\"F32\"", "[2]", "[0,4]"), 4, "bytes of"),
                Arguments.of("too many bytes", entry("\"F32\"", "[1]", "[0,8]"), 8, "bytes of"),
                Arguments.of("offsets reversed", entry("\"F32\"", "[1]", "[4,0]"), 4, "offsets"),
                Arguments.of("negative offset", entry("\"F32\"", "[1]", "[-4,0]"), 4, "offsets"),
                Arguments.of("offset beyond the end", entry("\"F32\"", "[2]", "[0,8]"), 4, "offsets"),
                Arguments.of("offset over 63 bits", entry("\"F32\"", "[1]", "[0,18446744073709551620]"), 4, "offsets"),
                Arguments.of("three offsets", entry("\"F32\"", "[1]", "[0,4,4]"), 4, "offsets"),
                Arguments.of("trailing bytes", entry("\"F32\"", "[1]", "[0,4]"), 5, "1 bytes more"),
                Arguments.of("data without tensors", "{}", 3, "3 bytes more"),
                Arguments.of("gap in front", entry("\"F32\"", "[1]", "[4,8]"), 8, "gap"),
                Arguments.of(
                        "overlap",
                        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                                + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}",
                        6,
                        "overlap"),
                Arguments.of(
                        "same bytes twice",
                        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                                + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
                        4,
                        "overlap"),
                Arguments.of(
                        "gap between",
                        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                                + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}",
                        5,
                        "gap"),
                Arguments.of(
                        "duplicate tensor",
                        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                                + "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                        1,
                        "uplicate"),
                Arguments.of(
                        "duplicate field",
                        "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                        1,
                        "uplicate"),
                Arguments.of(
                        "unknown field",
                        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}",
                        1,
                        "dtype, shape and data_offsets"),
                Arguments.of("metadata not text", "{\"__metadata__\":{\"a\":1}}", 0, "__metadata__"),
                Arguments.of("metadata not an object", "{\"__metadata__\":[]}", 0, "__metadata__"),
                Arguments.of("an array", "[]", 0, "begins with '{'"),
                Arguments.of("space in front", " {}", 0, "begins with '{'"),
                Arguments.of("cut off", "{\"a\":", 0, "expected JSON"),
                Arguments.of("two values", "{} {}", 0, "expected JSON"),
                Arguments.of("deep", "{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}", 0, "depth"),
                Arguments.of("deep objects", "{\"a\":".repeat(100_000), 0, "depth"),
                Arguments.of("many values", "{\"a\":[" + "0,".repeat(2_000_000) + "0]}", 0, "oken count"),
                Arguments.of(
                        "many axes",
                        entry("\"F32\"", "[" + "1,".repeat(100_000) + "2]", "[0,4]"),
                        4,
                        "expected the bytes of F32[1, 1, 1"),
                Arguments.of(
                        "controls in a name",
                        "{\"\u007f\\u001b[2J\\ud800\\n" + "x".repeat(1000) + "\":1}",
                        0,
                        "tensor '\\u007f\\u001b[2J\\ud800\\u000axxx"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("illFormed")
    void illFormedHeadersAreRejected(String name, String header, int dataBytes, String message) {
        assertMessage(message, () -> SafetensorsBytes.read(SafetensorsBytes.of(header, dataBytes)));
    }

    @Test
    void illFormedLengthsAreRejected() {
        byte[] json = "{}".getBytes(StandardCharsets.UTF_8);
        assertMessage("at least 8 bytes", () -> SafetensorsBytes.read(new byte[7]));
        for (long length : new long[] {0, 1, 3, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32}) {
            assertMessage(
                    "header of", () -> SafetensorsBytes.read(SafetensorsBytes.withLength(length, json, new byte[0])));
        }
        assertMessage("at least 8 bytes", () -> SafetensorsBytes.read(new byte[0]));
        byte[] latin = {'{', '"', (byte) 0xE9, '"', ':', '1', '}'};
        assertMessage(
                "UTF-8", () -> SafetensorsBytes.read(SafetensorsBytes.withLength(latin.length, latin, new byte[0])));
    }

    static Stream<Arguments> foreign() {
        byte[] zip = {'P', 'K', 3, 4, 0, 0, 8, 8, 0, 0};
        byte[] pickle2 = {(byte) 0x80, 2, (byte) 0x8A, 10, 'l', (byte) 0xFC, (byte) 0x9C, 'F', (byte) 0xF9, ' '};
        byte[] pickle4 = {(byte) 0x80, 4, (byte) 0x95, 9, 0, 0, 0, 0, 0, 0, 0, '}', '.'};
        String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
        return Stream.of(
                Arguments.of(zip, "save_file"),
                Arguments.of(pickle2, "save_file"),
                Arguments.of(pickle4, "pickle"),
                Arguments.of(pointer.getBytes(StandardCharsets.UTF_8), "git lfs pull"),
                Arguments.of("\n<!DOCTYPE html><html>".getBytes(StandardCharsets.UTF_8), "web page"),
                Arguments.of("GGUF\3\0\0\0\0".getBytes(StandardCharsets.UTF_8), "GGUF"));
    }

    @ParameterizedTest
    @MethodSource("foreign")
    void otherKindsOfFilesAreRecognised(byte[] file, String message) throws IOException {
        Path path = Files.write(folder.resolve("model.safetensors"), file);
        assertMessage(message, () -> SafetensorsFile.open(path));
        assertMessage("config.json: expected JSON, found a", () -> Json.object("config.json", file));
    }

    @Test
    void headersWithALengthLikeAPickleAreRead() {
        String header = "{" + " ".repeat(0x280 - 2) + "}";
        assertEquals(
                Set.of(), SafetensorsBytes.read(SafetensorsBytes.of(header, 0)).names());
    }

    @Test
    void onlyRegularFilesAreOpened() {
        Path device = Path.of("/dev/zero");
        assumeTrue(Files.exists(device), "a device that never ends");
        assertMessage("a device or a pipe", () -> SafetensorsFile.open(device));
    }

    @Test
    void missingTensorsAndFilesAreNamed() {
        SafetensorsFile file = SafetensorsBytes.read(SafetensorsBytes.of("{}  ", 0));
        assertMessage("'weight'", () -> file.tensor("weight"));
        assertMessage("found none", () -> SafetensorsFile.open(folder.resolve("none.safetensors")));
        assertMessage("found a folder", () -> SafetensorsFile.open(folder));
    }

    private static String entry(String dtype, String shape, String offsets) {
        return "{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
    }

    private Path index(String json) throws IOException {
        return Files.writeString(folder.resolve("model.safetensors.index.json"), json);
    }

    private static void assertMessage(String part, Executable executable) {
        CheckpointException e = assertThrows(CheckpointException.class, executable);
        assertTrue(e.getMessage().contains(part), e.getMessage());
        assertTrue(e.getMessage().length() < 800, e.getMessage());
        assertTrue(e.getMessage().codePoints().noneMatch(Character::isISOControl), e.getMessage());
    }
}
