package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.SafetensorsWriter;
import java.io.IOException;
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
    private static final VideoDescription DESCRIPTION = new VideoDescription(
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
                    .schedule("uniform")
                    .eta(0)
                    .seed(-7)
                    .build(),
            null,
            null);
    private static final HostTensor LATENT = HostTensor.of(new float[] {1, -2, .5f, 0, 3, 4, 5, 6}, 2, 2, 1, 2);

    @TempDir
    Path folder;

    @Test
    void whatIsWrittenIsRead() {
        Path file = folder.resolve("out.latents.safetensors");
        LatentFile.write(file, LATENT, 4, "out.mp4", DESCRIPTION);
        LatentFile read = LatentFile.read(file);
        assertArrayEquals(LATENT.toFloats(), read.latent().toFloats());
        assertEquals(LATENT.shape(), read.latent().shape());
        assertEquals(DESCRIPTION, read.description());
        assertEquals(4, read.step());
        assertEquals(6, read.steps());
        assertEquals(folder.resolve("out.mp4"), read.video());
    }

    @Test
    void noMoreStepsAreDoneThanThereAre() {
        for (int step : new int[] {-1, 7}) {
            IllegalArgumentException error = assertThrows(
                    IllegalArgumentException.class, () -> new LatentFile(folder, LATENT, step, "out.mp4", DESCRIPTION));
            assertEquals("the steps that are done are 0 to 6, found " + step, error.getMessage());
        }
    }

    @Test
    void theNameIsTheVideosWithAnotherEnding() {
        assertEquals(Path.of("a/out.latents.safetensors"), LatentFile.besides(Path.of("a/out.mp4")));
        assertEquals(Path.of("frames.latents.safetensors"), LatentFile.besides(Path.of("frames")));
        assertEquals(Path.of("a.b.latents.safetensors"), LatentFile.locate(Path.of("a.b.webm")));
        assertEquals(Path.of("o.latents.safetensors"), LatentFile.locate(Path.of("o.latents.safetensors")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "format |          | without the format \"lingen-latents\" in its metadata, such as a model's weights",
                "format | pt       | without the format \"lingen-latents\" in its metadata, such as a model's weights",
                "version | 2       | expected version 1 of saved latents, found 2. Go on with the version",
                "version |         | expected version 1 of saved latents, found null",
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
    void metadataThatCanNotBeIsNamed(String key, String value, String message) {
        Map<String, String> metadata = metadata();
        if (value == null) {
            metadata.remove(key);
        } else {
            metadata.put(key, value);
        }
        assertRefused(write(Map.of("latent", LATENT), metadata), message);
    }

    @Test
    void tensorsThatCanNotBeAreNamed() {
        assertRefused(write(Map.of("x", LATENT), metadata()), "expected one tensor 'latent', found 1");
        assertRefused(write(Map.of("latent", LATENT, "x", LATENT), metadata()), "found 2 tensors");
        assertRefused(
                write(Map.of("latent", HostTensor.of(new float[4], 2, 2)), metadata()),
                "expected tensor 'latent' as F32[C, T, H, W], found F32[2, 2]");
        assertRefused(write(Map.of("latent", HostTensor.of(new float[0], 1, 0, 1, 1)), metadata()), "F32[C, T, H, W]");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void numbersThatAreNoneAreNamed(float value) {
        HostTensor broken = HostTensor.of(new float[] {1, 2, value, 4}, 1, 2, 1, 2);
        assertRefused(write(Map.of("latent", broken), metadata()), "found " + value + " at element 2");
    }

    @Test
    void whatIsNoFileIsNamed() throws IOException {
        assertRefused(folder.resolve("no.latents.safetensors"), "found no such file");
        assertRefused(folder, "found something that is not a file");
        Path text = Files.writeString(folder.resolve("text"), "these are no latents, but a text that is long enough");
        assertRefused(text, "text");
        Path empty = Files.write(folder.resolve("empty"), new byte[0]);
        assertRefused(empty, "empty");
    }

    @Test
    void everyCutAndEveryWrongByteOfTheHeaderIsNoCrash() throws IOException {
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

    private Path write(Map<String, HostTensor> tensors, Map<String, String> metadata) {
        Path file = folder.resolve("out.latents.safetensors");
        SafetensorsWriter.write(file, tensors, metadata);
        return file;
    }

    private static Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", "lingen-latents");
        metadata.put("version", "1");
        metadata.put("description", DESCRIPTION.toJson());
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
