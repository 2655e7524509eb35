package io.lingen.core.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PhiloxNormalTest {
    private static JsonNode golden() throws IOException {
        try (InputStream stream = Objects.requireNonNull(
                PhiloxNormalTest.class.getResourceAsStream("/io/lingen/fixtures/noise/philox.json"))) {
            return new JsonMapper().readTree(stream);
        }
    }

    /** Uses Random123's kat_vectors for philox4x32 with 10 rounds. */
    @Test
    void matchesKnownAnswersOfRandom123() throws IOException {
        JsonNode answers = golden().path("known_answers");
        assertEquals(3, answers.size());
        for (JsonNode answer : answers) {
            int[] counter = words(answer.path("counter"));
            int[] key = words(answer.path("key"));
            PhiloxNormal.philox(counter, key[0], key[1]);
            assertArrayEquals(words(answer.path("output")), counter);
        }
    }

    /** Compares with the PyTorch reference, including indices beyond 2^32. Results of cos and log may differ in the last place. */
    @Test
    void normalsEqualTheReference() throws IOException {
        JsonNode normals = golden().path("normals");
        assertTrue(normals.size() >= 5);
        for (JsonNode normal : normals) {
            long seed = new BigInteger(normal.path("seed").asText()).longValue();
            long start = Long.parseLong(normal.path("start").asText());
            JsonNode values = normal.path("values");
            for (int i = 0; i < values.size(); i++) {
                assertEquals(values.get(i).floatValue(), PhiloxNormal.at(seed, start + i), 1e-6f);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 4, 5, 17, 64})
    void fillEqualsAt(int length) {
        long index = 4L * Integer.MAX_VALUE;
        float[] run = new float[length + 3];
        PhiloxNormal.fill(7, index, run, 2, length);
        for (int i = 0; i < length; i++) {
            assertEquals(PhiloxNormal.at(7, index + i), run[2 + i]);
        }
        assertEquals(0, run[1]);
        assertEquals(0, run[length + 2]);
        assertThrows(IllegalArgumentException.class, () -> PhiloxNormal.fill(7, 2, run, 0, 1));
    }

    @Test
    void momentsMatchTheNormalDistribution() {
        int count = 1 << 18;
        float[] noise = new float[count];
        PhiloxNormal.fill(123, 0, noise, 0, count);
        double[] moments = new double[5];
        for (float value : noise) {
            for (int power = 1; power <= 4; power++) {
                moments[power] += Math.pow(value, power) / count;
            }
        }
        // Six standard errors each.
        double error = 6 / Math.sqrt(count);
        assertEquals(0, moments[1], error);
        assertEquals(1, moments[2], error * Math.sqrt(2));
        assertEquals(0, moments[3], error * Math.sqrt(15));
        assertEquals(3, moments[4], error * Math.sqrt(96));
    }

    private static int[] words(JsonNode hexadecimals) {
        int[] words = new int[hexadecimals.size()];
        for (int i = 0; i < words.length; i++) {
            words[i] = Integer.parseUnsignedInt(hexadecimals.get(i).asText(), 16);
        }
        return words;
    }
}
