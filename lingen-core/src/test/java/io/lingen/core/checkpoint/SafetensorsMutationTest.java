package io.lingen.core.checkpoint;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files: each is read whole or refused by a {@link CheckpointException}; nothing else is thrown and nothing hangs. The number of
 * mutations can be raised by {@code -Dlingen.mutations}.
 */
final class SafetensorsMutationTest {
    private static final String[] TOKENS = {
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\u0000",
        "-1",
        "1e9",
        "0.5",
        "null",
        "true",
        "\"F32\"",
        "\"F64\"",
        "9223372036854775807",
        "18446744073709551616",
        "__metadata__",
        "data_offsets",
        " "
    };

    @TempDir
    private Path folder;

    @Test
    void damagedFilesAreReadOrRefused() throws IOException {
        Path file = folder.resolve("good.safetensors");
        SafetensorsWriter.write(
                file,
                Map.of(
                        "a.weight", HostTensor.of(new float[12], 3, 4),
                        "a.bias", HostTensor.of(new float[3], 3),
                        "scalar", HostTensor.of(new float[1])),
                Map.of("format", "pt"));
        byte[] good = Files.readAllBytes(file);
        int mutations = Integer.getInteger("lingen.mutations", 2000);
        int[] refused = new int[1];
        assertTimeoutPreemptively(Duration.ofSeconds(20 + mutations / 100), () -> {
            for (int seed = 0; seed < mutations; seed++) {
                byte[] damaged = mutate(good, new Random(seed));
                try {
                    readAll(damaged);
                } catch (CheckpointException e) {
                    refused[0]++;
                } catch (RuntimeException | Error e) {
                    throw new AssertionError("mutation " + seed + " gave " + e, e);
                }
            }
        });
        assertTrue(refused[0] > mutations / 2, "most damage is noticed, found " + refused[0] + " of " + mutations);
    }

    private static void readAll(byte[] bytes) {
        SafetensorsFile file = SafetensorsBytes.read(bytes);
        for (String name : file.names()) {
            file.tensor(name).toFloats();
        }
    }

    private static byte[] mutate(byte[] good, Random random) {
        byte[] bytes = good.clone();
        int header = 8 + (bytes[0] & 0xFF) + ((bytes[1] & 0xFF) << 8);
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            int at = random.nextInt(4) == 0 ? random.nextInt(8) : random.nextInt(Math.min(header, bytes.length));
            switch (random.nextInt(5)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt(256);
                case 2 -> bytes = Arrays.copyOf(bytes, Math.max(9, random.nextInt(bytes.length + 20)));
                case 3 -> {
                    byte[] token = TOKENS[random.nextInt(TOKENS.length)].getBytes(StandardCharsets.UTF_8);
                    System.arraycopy(token, 0, bytes, at, Math.min(token.length, bytes.length - at));
                }
                default -> {
                    // A number of the header grows by a digit or becomes another.
                    int digit = at;
                    while (digit < bytes.length && (bytes[digit] < '0' || bytes[digit] > '9')) {
                        digit++;
                    }
                    if (digit < bytes.length) {
                        bytes[digit] = (byte) ('0' + random.nextInt(10));
                    }
                }
            }
        }
        return bytes;
    }
}
