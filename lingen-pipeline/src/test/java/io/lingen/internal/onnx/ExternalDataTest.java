package io.lingen.internal.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Search for the files of external data in all messages of an ONNX model that can refer to them. */
class ExternalDataTest {
    @TempDir
    Path folder;

    @Test
    void modelsWithoutExternalDataListNoFiles() {
        assertEquals(Set.of(), files(OnnxFiles.encoder()));
        assertEquals(Set.of(), files(OnnxFiles.table(OnnxFiles.values(1, 8 * 16))));
        assertEquals(Set.of(), files(new byte[0]));
    }

    @Test
    void externalTensorsAreFoundInAllMessages() {
        ProtobufMessage sparse =
                new ProtobufMessage().message(1, external("sparse.bin")).message(2, external("indices.bin"));
        ProtobufMessage branch = new ProtobufMessage().message(5, external("branch.bin"));
        ProtobufMessage node = OnnxFiles.node("If", "y", "x")
                .message(5, OnnxFiles.attribute("value", 4).message(5, external("value.bin")))
                .message(5, OnnxFiles.attribute("values", 9).message(10, external("values.bin")))
                .message(5, OnnxFiles.attribute("then_branch", 5).message(6, branch))
                .message(5, OnnxFiles.attribute("branches", 10).message(11, graphOf("branches.bin")))
                .message(5, OnnxFiles.attribute("sparse_value", 11).message(22, sparseOf("sparse-value.bin")))
                .message(5, OnnxFiles.attribute("sparse_values", 12).message(23, sparseOf("sparse-values.bin")));
        ProtobufMessage graph = new ProtobufMessage()
                .message(1, node)
                .message(5, external("a.bin"))
                .message(15, sparse);
        ProtobufMessage function = new ProtobufMessage()
                .message(7, OnnxFiles.node("Constant", "c").message(5, valueOf("function.bin")))
                .message(11, valueOf("default.bin"));
        ProtobufMessage training =
                new ProtobufMessage().message(1, graphOf("initialization.bin")).message(2, graphOf("algorithm.bin"));
        byte[] model = new ProtobufMessage()
                .message(7, graph)
                .message(7, graphOf("second.bin"))
                .message(20, training)
                .message(25, function)
                .toBytes();
        assertEquals(
                List.of(
                        "a.bin",
                        "algorithm.bin",
                        "branch.bin",
                        "branches.bin",
                        "default.bin",
                        "function.bin",
                        "indices.bin",
                        "initialization.bin",
                        "second.bin",
                        "sparse-value.bin",
                        "sparse-values.bin",
                        "sparse.bin",
                        "value.bin",
                        "values.bin"),
                List.copyOf(files(model)));
    }

    /** The last value of a repeated field is used, as in Protocol Buffers. */
    @Test
    void repeatedFieldsOfAnEntryAreRead() {
        ProtobufMessage entry = new ProtobufMessage()
                .text(2, "first.bin")
                .text(1, "offset")
                .text(1, "location")
                .text(2, "last.bin");
        byte[] model = OnnxFiles.model(new ProtobufMessage().message(5, new ProtobufMessage().message(13, entry)));
        assertEquals(Set.of("last.bin"), files(model));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", " ", ".", "..", "../a.bin", "/etc/passwd", "data/a.bin", "c:a", "a\\b", "*/_ORT_MEM_ADDR_/*"
            })
    void filesOutsideTheFolderAreRejected(String location) {
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> files(OnnxFiles.externalTable(location)));
        assertEquals(
                "encoder.onnx: expected external data in the folder of the model, found \"" + location
                        + "\"; export the model again, with its data next to it",
                error.getMessage());
    }

    @Test
    void damagedFilesAreReadOrRejected() {
        byte[] good = OnnxFiles.encoder();
        for (int length = 0; length < good.length; length++) {
            readOrRefuse(Arrays.copyOf(good, length));
        }
        int refused = 0;
        for (int bit = 0; bit < good.length * 8; bit++) {
            byte[] damaged = good.clone();
            damaged[bit / 8] = (byte) (damaged[bit / 8] ^ 1 << bit % 8);
            refused += readOrRefuse(damaged) ? 0 : 1;
        }
        assertTrue(refused > 1000, refused + " refused");
    }

    private static boolean readOrRefuse(byte[] model) {
        try {
            files(model);
            return true;
        } catch (CheckpointException e) {
            assertTrue(String.valueOf(e.getMessage()).length() < 300, e.getMessage());
            return false;
        }
    }

    @Test
    void deepNestingIsRejected() {
        ProtobufMessage graph = graphOf("a.bin");
        for (int i = 0; i < 40; i++) {
            graph = new ProtobufMessage()
                    .message(
                            1,
                            OnnxFiles.node("If", "y", "x")
                                    .message(
                                            5,
                                            OnnxFiles.attribute("then_branch", 5)
                                                    .message(6, graph)));
        }
        byte[] model = OnnxFiles.model(graph);
        CheckpointException error = assertThrows(CheckpointException.class, () -> files(model));
        assertTrue(error.getMessage().contains("at most 100 nested messages"), error.getMessage());
    }

    @Test
    void hugeFilesAreRejected() throws IOException {
        Path file = folder.resolve("huge.onnx");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 31);
        }
        try (FileChannel channel = FileChannel.open(file)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
            CheckpointException error =
                    assertThrows(CheckpointException.class, () -> ExternalData.files("huge.onnx", mapped));
            assertTrue(error.getMessage().contains("save_as_external_data=True"), error.getMessage());
            CheckpointException blank = assertThrows(
                    CheckpointException.class, () -> ExternalData.files("huge.onnx", mapped.asSlice(0, 1 << 20)));
            assertTrue(blank.getMessage().contains("found a field number of 0 at byte 0"), blank.getMessage());
        }
    }

    private static ProtobufMessage external(String location) {
        return OnnxFiles.external("table", location);
    }

    private static ProtobufMessage graphOf(String location) {
        return new ProtobufMessage().message(5, external(location));
    }

    private static ProtobufMessage sparseOf(String location) {
        return new ProtobufMessage().message(1, external(location));
    }

    private static ProtobufMessage valueOf(String location) {
        return OnnxFiles.attribute("value", 4).message(5, external(location));
    }

    private static Set<String> files(byte[] model) {
        return ExternalData.files("encoder.onnx", MemorySegment.ofArray(model));
    }
}
