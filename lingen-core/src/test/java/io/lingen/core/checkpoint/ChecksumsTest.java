package io.lingen.core.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChecksumsTest {
    private static final String ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    private static final String EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    @TempDir
    private Path model;

    private ModelSource source;

    @BeforeEach
    void writeModel() throws IOException {
        Files.writeString(model.resolve("a.json"), "abc");
        Files.write(Files.createDirectories(model.resolve("vae")).resolve("model.safetensors"), new byte[0]);
        source = ModelSource.of(model);
    }

    /** Uses the examples of FIPS 180-2, and the checksum of the listing by sha256sum. */
    @Test
    void checksumsEqualThoseOfSha256sum() {
        Checksums sums = Checksums.compute(source, List.of("vae/model.safetensors", "a.json", "a.json"));
        assertEquals(ABC + "  a.json\n" + EMPTY + "  vae/model.safetensors\n", sums.listing());
        assertEquals("42e2d3c05fef1920a78a90fe90627e553c2f6085f4c8b8c233e33dd2f39fe2d7", sums.sha256());
    }

    @Test
    void filesLargerThanTheBufferAreReadCompletely() throws IOException {
        byte[] million = "a".repeat(1_000_000).getBytes(StandardCharsets.US_ASCII);
        Files.write(model.resolve("million"), million);
        assertEquals(
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0  million\n",
                Checksums.compute(source, List.of("million")).listing());
    }

    @Test
    void listingsOfSha256sumAreParsed() {
        Checksums sums = parse(ABC.toUpperCase() + "  ./a.json\r\n\n" + EMPTY + " *vae/a b.safetensors");
        assertEquals(ABC + "  a.json\n" + EMPTY + "  vae/a b.safetensors\n", sums.listing());
    }

    @Test
    void malformedListingsAreRejected() {
        assertRejected("abc  a.json", "SHA256SUMS, line 1: expected a SHA-256 checksum, two spaces and a path");
        assertRejected(ABC + "  a.json\n" + ABC.substring(1) + "  b.json", "line 2");
        assertRejected(
                ABC + "  a.json\n" + EMPTY + " *./a.json",
                "line 2: expected each path once, found a second checksum of a.json");
        assertRejected("SHA256 (a.json) = " + ABC, "line 1");
    }

    @Test
    void mismatchesAreNamed() throws IOException {
        List<String> paths = List.of("a.json", "vae/model.safetensors");
        Checksums before = Checksums.compute(source, paths);
        before.requireEqual("SHA256SUMS", parse(before.listing() + ABC + "  README.md\n"));

        Files.writeString(model.resolve("a.json"), "abd");
        CheckpointException changed = assertThrows(CheckpointException.class, () -> Checksums.compute(source, paths)
                .requireEqual("SHA256SUMS", before));
        assertTrue(
                changed.getMessage().contains("checksum mismatch for a.json (expected " + ABC), changed.getMessage());
        assertTrue(!changed.getMessage().contains("vae/"), changed.getMessage());

        CheckpointException unlisted = assertThrows(
                CheckpointException.class, () -> before.requireEqual("SHA256SUMS", parse(ABC + "  a.json")));
        assertTrue(unlisted.getMessage().contains("found none of vae/model.safetensors"), unlisted.getMessage());
    }

    @Test
    void missingFilesAreNamed() {
        CheckpointException missing =
                assertThrows(CheckpointException.class, () -> Checksums.compute(source, List.of("b.json")));
        assertTrue(missing.getMessage().contains("b.json"), missing.getMessage());
        assertThrows(CheckpointException.class, () -> Checksums.compute(source, List.of("../a.json")));
    }

    @Test
    void tensorFilesIncludeTheShardsOfAnIndex() throws IOException {
        Path folder = Files.createDirectories(model.resolve("transformer"));
        for (String name : List.of("x", "y")) {
            SafetensorsWriter.write(
                    folder.resolve(name + ".safetensors"), Map.of(name, HostTensor.of(new float[1], 1)), Map.of());
        }
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"weight_map\": {\"y\": \"y.safetensors\", \"x\": \"x.safetensors\"}}");
        assertEquals(List.of("vae/model.safetensors"), source.tensorFiles("vae"));
        assertEquals(
                List.of(
                        "transformer/model.safetensors.index.json",
                        "transformer/x.safetensors",
                        "transformer/y.safetensors"),
                source.tensorFiles("transformer"));
    }

    private static void assertRejected(String listing, String message) {
        CheckpointException error = assertThrows(CheckpointException.class, () -> parse(listing));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private static Checksums parse(String listing) {
        return Checksums.parse("SHA256SUMS", listing.getBytes(StandardCharsets.UTF_8));
    }
}
