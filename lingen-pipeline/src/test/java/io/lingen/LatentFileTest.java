package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LatentFileTest {
    private static final VideoProvenance PROVENANCE = new VideoProvenance(
            "1",
            "tiny",
            "00ff",
            "cpu",
            "bf16",
            VideoRequest.builder("a \"ring\",\nred")
                    .size(24, 24)
                    .frames(8)
                    .fps(16)
                    .steps(6)
                    .guidance(3)
                    .sampler("rectified_flow")
                    .schedule("uniform")
                    .eta(0)
                    .seed(-7)
                    .build(),
            null);
    private static final HostTensor LATENT = HostTensor.of(new float[] {1, -2, .5f, 0, 3, 4, 5, 6}, 2, 2, 1, 2);

    private static final Map<String, HostTensor> STATE = Map.of(
            "earlier", HostTensor.of(new float[] {7, 8, 9, 1, 2, 3, -4, .25f}, 2, 2, 1, 2),
            "lambda", HostTensor.of(new float[] {.1f, -3}, 2));

    @TempDir
    Path folder;

    @Test
    void writtenFilesAreReadBack() {
        Path file = folder.resolve("out.latents.safetensors");
        LatentFile.write(file, LATENT, STATE, 4, "out.mp4", PROVENANCE);
        LatentFile read = LatentFile.read(file);
        assertArrayEquals(LATENT.toFloats(), read.latent().toFloats());
        assertEquals(LATENT.shape(), read.latent().shape());
        assertEquals(STATE.keySet(), read.samplerState().keySet());
        STATE.forEach((name, tensor) -> {
            assertArrayEquals(tensor.toFloats(), read.samplerState().get(name).toFloats());
            assertEquals(tensor.shape(), read.samplerState().get(name).shape());
        });
        assertEquals(PROVENANCE, read.provenance());
        assertEquals(4, read.step());
        assertEquals(6, read.steps());
        assertEquals(folder.resolve("out.mp4"), read.video());
    }

    @Test
    void invalidNumbersOfStepsAreRejected() {
        for (int step : new int[] {-1, 7}) {
            IllegalArgumentException error = assertThrows(
                    IllegalArgumentException.class,
                    () -> new LatentFile(folder, LATENT, Map.of(), step, "out.mp4", PROVENANCE));
            assertEquals("number of completed steps must be 0 to 6, found " + step, error.getMessage());
        }
    }

    @Test
    void nameIsThatOfTheVideoWithAnotherExtension() {
        assertEquals(Path.of("a/out.latents.safetensors"), LatentFile.pathFor(Path.of("a/out.mp4")));
        assertEquals(Path.of("frames.latents.safetensors"), LatentFile.pathFor(Path.of("frames")));
        assertEquals(Path.of("a.b.latents.safetensors"), LatentFile.pathFor(Path.of("a.b.webm")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "format |          | without the format \"lingen-latents\" in its metadata",
                "format | pt       | without the format \"lingen-latents\" in its metadata",
                "version | 3       | expected version 1 or 2 of saved latents, found 3; resume with the version",
                "version | 2       | expected metadata 'sha256'",
                "version |         | expected version 1 or 2 of saved latents, found null",
                "description |     | expected metadata 'description', found [format, version, step, steps, output]",
                "description | {   | out.latents.safetensors, description",
                "description | {}  | field 'request'",
                "step |            | expected metadata 'step'",
                "step | 7          | expected a number from 0 to 6 as metadata 'step', found \"7\"",
                "step | -1         | expected a number from 0 to 6 as metadata 'step', found \"-1\"",
                "step | two        | expected a number from 0 to 6 as metadata 'step', found \"two\"",
                "steps | 8         | expected 6 as metadata 'steps', found \"8\"",
                "output |          | expected metadata 'output'",
                "output | ../x.mp4 | expected the plain name of a file as metadata 'output', found \"../x.mp4\"",
                "output | ..       | expected the plain name of a file as metadata 'output'",
            })
    void invalidMetadataAreNamed(String key, String value, String message) {
        Map<String, String> metadata = metadata();
        if (value == null) {
            metadata.remove(key);
        } else {
            metadata.put(key, value);
        }
        assertRefused(write(Map.of("latent", LATENT), metadata), message);
    }

    @Test
    void invalidTensorsAreNamed() {
        assertRefused(write(Map.of("x", LATENT), metadata()), "expected one tensor 'latent', found 1");
        assertRefused(write(Map.of("latent", LATENT, "x", LATENT), metadata()), "found 2 tensors");
        assertRefused(
                write(Map.of("latent", HostTensor.of(new float[4], 2, 2)), metadata()),
                "expected tensor 'latent' as F32[C, T, H, W], found F32[2, 2]");
        assertRefused(write(Map.of("latent", HostTensor.of(new float[0], 1, 0, 1, 1)), metadata()), "F32[C, T, H, W]");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void nonFiniteValuesAreNamed(float value) {
        HostTensor broken = HostTensor.of(new float[] {1, 2, value, 4}, 1, 2, 1, 2);
        assertRefused(write(Map.of("latent", broken), metadata()), "found " + value + " at element 2");
    }

    @Test
    void missingAndOtherFilesAreNamed() throws IOException {
        assertRefused(folder.resolve("no.latents.safetensors"), "found no such file");
        assertRefused(folder, "found something that is not a file");
        Path text = Files.writeString(folder.resolve("text"), "these are no latents, but a text that is long enough");
        assertRefused(text, "text");
        Path empty = Files.write(folder.resolve("empty"), new byte[0]);
        assertRefused(empty, "empty");
    }

    @Test
    void truncatedFilesAndDamagedHeadersAreRejected() throws IOException {
        byte[] whole = Files.readAllBytes(write(Map.of("latent", LATENT), metadata()));
        Path file = folder.resolve("damaged");
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThrows(CheckpointException.class, () -> LatentFile.read(file), "cut at " + length);
        }
        for (int i = 0; i < whole.length - 32; i++) {
            byte[] damaged = whole.clone();
            damaged[i] ^= 0x15;
            Files.write(file, damaged);
            try {
                LatentFile.read(file);
            } catch (CheckpointException e) {
                assertTrue(e.getMessage().contains("damaged"), e.getMessage());
            }
        }
    }

    @Test
    void versionOneIsRead() throws IOException {
        Path file = folder.resolve("version-1.latents.safetensors");
        try (InputStream stream = LatentFileTest.class.getResourceAsStream("version-1.latents.safetensors")) {
            Files.write(file, stream.readAllBytes());
        }
        LatentFile read = LatentFile.read(file);
        assertEquals(3, read.step());
        assertEquals(Map.of(), read.samplerState());
        assertEquals("a red ring", read.provenance().request().prompt());
        assertEquals(Shape.of(4, 1, 4, 8), read.latent().shape());
        float[] first = {0.083619095f, -0.5954145f, 1.0461565f, -0.82908034f, 1.5785006f};
        assertArrayEquals(first, Arrays.copyOf(read.latent().toFloats(), 5));
    }

    /** Flips one bit of every byte, cycling through the eight bits. */
    @Test
    void everyFlippedBitIsRejected() throws IOException {
        Path file = folder.resolve("out.latents.safetensors");
        LatentFile.write(file, LATENT, STATE, 4, "out.mp4", PROVENANCE);
        byte[] whole = Files.readAllBytes(file);
        Path damaged = folder.resolve("damaged.latents.safetensors");
        for (int i = 0; i < whole.length; i++) {
            byte[] bytes = whole.clone();
            bytes[i] ^= (byte) (1 << i * 3 % 8);
            Files.write(damaged, bytes);
            int at = i;
            CheckpointException error = assertThrows(
                    CheckpointException.class, () -> LatentFile.read(damaged), () -> "byte " + at + " of the file");
            assertTrue(
                    error.getMessage().contains("damaged.latents.safetensors"),
                    "names the file: " + error.getMessage());
        }
    }

    @Test
    void digestDetectsEveryChange() {
        Path file = folder.resolve("out.latents.safetensors");
        LatentFile.write(file, LATENT, STATE, 4, "out.mp4", PROVENANCE);
        Map<String, String> metadata;
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        try (SafetensorsFile whole = SafetensorsFile.open(file)) {
            metadata = whole.metadata();
            for (String name : whole.names()) {
                HostTensor tensor = whole.tensor(name);
                tensors.put(
                        name, HostTensor.of(tensor.toFloats(), tensor.shape().toArray()));
            }
        }
        String seed = PROVENANCE.toJson().replace("\"seed\":-7", "\"seed\":-6");
        for (Map.Entry<String, String> change : Map.of(
                        "description", seed, "step", "3", "output", "other.mp4", "note", "a key of its own")
                .entrySet()) {
            Map<String, String> changed = new LinkedHashMap<>(metadata);
            changed.put(change.getKey(), change.getValue());
            assertRefused(write(tensors, changed), "SHA-256");
        }
        Map<String, HostTensor> renamed = new LinkedHashMap<>(tensors);
        renamed.put("sampler.later", renamed.remove("sampler.earlier"));
        assertRefused(write(renamed, metadata), "SHA-256");
        Map<String, HostTensor> turned = new LinkedHashMap<>(tensors);
        turned.put("latent", LATENT.reshape(2, 1, 2, 2));
        assertRefused(write(turned, metadata), "SHA-256");
        Map<String, HostTensor> less = new LinkedHashMap<>(tensors);
        less.remove("sampler.lambda");
        assertRefused(write(less, metadata), "SHA-256");
        assertEquals(4, LatentFile.read(write(tensors, metadata)).step(), "unchanged");
        Map<String, HostTensor> foreign = new LinkedHashMap<>(tensors);
        foreign.put("weights", LATENT);
        assertRefused(write(foreign, metadata), "and at most 63 under 'sampler.', found 4 tensors");
    }

    /** Sparse files that declare terabytes and occupy a few kilobytes. */
    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void sparseFilesAreRejectedByDeclaredSize(String version) throws IOException {
        Map<String, String> metadata = metadata();
        metadata.put("version", version);
        metadata.put("sha256", "0".repeat(64));
        long elements = 1L << 36;
        assertRefused(
                sparse(elements, metadata),
                "of a video of 24x24 and 8 frames with at most 4 values per pixel, found F32[1, 1, 1, " + elements
                        + "]");
        metadata.put(
                "description",
                PROVENANCE.toJson().replace("\"width\":24,\"height\":24", "\"width\":65536,\"height\":1048576"));
        assertRefused(sparse(elements, metadata), "bytes, found " + 4 * elements + " bytes");
    }

    private Path sparse(long elements, Map<String, String> metadata) throws IOException {
        String header = new ObjectMapper()
                .writeValueAsString(Map.of(
                        "__metadata__",
                        metadata,
                        "latent",
                        Map.of("dtype", "F32", "shape", new long[] {1, 1, 1, elements}, "data_offsets", new long[] {
                            0, 4 * elements
                        })));
        Path file = folder.resolve("sparse.latents.safetensors");
        byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(8 + bytes.length + 4 * elements);
            sparse.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(bytes.length)
                    .array());
            sparse.write(bytes);
        }
        return file;
    }

    private Path write(Map<String, HostTensor> tensors, Map<String, String> metadata) {
        Path file = folder.resolve("out.latents.safetensors");
        SafetensorsWriter.write(file, tensors, metadata);
        return file;
    }

    private static Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", "lingen-latents");
        metadata.put("version", "1");
        metadata.put("description", PROVENANCE.toJson());
        metadata.put("step", "4");
        metadata.put("steps", "6");
        metadata.put("output", "out.mp4");
        return metadata;
    }

    private static void assertRefused(Path file, String message) {
        CheckpointException error = assertThrows(CheckpointException.class, () -> LatentFile.read(file));
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertTrue(error.getMessage().contains(file.getFileName().toString()), error.getMessage());
    }
}
