package io.lingen.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AutoencoderConfigTest {
    private static final String GOOD = """
            {"latent_channels": 2, "out_channels": 3, "widths": [64, 32, 32], "upsample": [[2, 2, 2], [1, 4, 2]],
             "patch_size": [4, 1, 2], "layers_per_level": 2, "mid_layers": 1, "attention": false, "attention_heads": 4,
             "norm_groups": 32, "latent_mean": [0, 0.5], "latent_std": [1, 2.5],
             "tile": {"latent_frames": 4, "overlap": 2, "margin": 0}}""";

    private static final String OWN = """
            "encoder": {"widths": [32, 32, 64], "layers_per_level": 1, "mid_layers": 3}""";

    private static AutoencoderConfig read(String json) {
        return AutoencoderConfig.read(ConfigReader.parse("vae/config.json", json.getBytes(StandardCharsets.UTF_8)));
    }

    private static void assertRejected(String json, String message) {
        CheckpointException refusal = assertThrows(CheckpointException.class, () -> read(json));
        assertTrue(refusal.getMessage().startsWith("vae/config.json"), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    @Test
    void allFieldsAreRead() {
        AutoencoderConfig config = read(GOOD);
        assertEquals(64, config.widths().get(0));
        assertEquals(new Dims3(1, 4, 2), config.upsample().get(1));
        assertEquals(new PatchSize(4, 1, 2), config.patch());
        assertEquals(1e-6f, config.normEpsilon());
        assertEquals(2.5, config.latentStd().get(1));
        assertEquals(new TemporalTiling(4, 2, 0), config.tiling());
        assertEquals(new Dims3(8, 8, 8), config.compression());
        assertEquals(new Grid(24, 40, 56), config.framesOf(new Grid(3, 5, 7)));
    }

    @Test
    void encoderMayHaveOtherSizes() {
        assertEquals(
                new AutoencoderConfig.Sizes(List.of(64, 32, 32), 2, 1),
                read(GOOD).encoder());
        AutoencoderConfig config = read(GOOD.replace("\"tile\"", OWN + ", \"tile\""));
        assertEquals(new AutoencoderConfig.Sizes(List.of(32, 32, 64), 1, 3), config.encoder());
        assertEquals(List.of(64, 32, 32), config.widths());
        assertEquals(List.of(32, 32, 64), config.ofEncoder().widths());
        assertEquals(3, config.ofEncoder().midLayers());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[32, 32, 64] | [32, 64] | encoder.widths: found [32, 64], expected 3 widths",
                "[32, 32, 64] | [32, 33, 64] | encoder.widths: found 33, expected 1 to 8192 and a multiple of norm_groups = 32",
                "\"mid_layers\": 3 | \"mid_layers\": 65 | 'encoder.mid_layers': found 65",
                "\"mid_layers\": 3 | \"mid_layers\": 3, \"attention\": true | unknown field 'encoder.attention'",
                "\"layers_per_level\": 1, | '' | 'encoder.layers_per_level'",
            })
    void invalidEncoderFieldsAreNamed(String part, String replacement, String message) {
        assertTrue(OWN.contains(part), part);
        assertRejected(GOOD.replace("\"tile\"", OWN.replace(part, replacement) + ", \"tile\""), message);
    }

    /** conv_out 1, up.2 4, upsample 1, up.1 4: 10; upsample 1, halved: 6; up.0 4, mid 2, conv_in 1: 13. */
    @Test
    void receptiveRadiusIsTheSumOverLayers() {
        assertEquals(OptionalInt.of(13), read(GOOD).receptiveRadius());
        assertEquals(
                OptionalInt.empty(),
                read(GOOD.replace("\"attention\": false", "\"attention\": true"))
                        .receptiveRadius());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"out_channels\": 3 | \"out_channels\": 4 | 'out_channels': found 4, expected an integer from 3 to 3",
                "\"latent_channels\": 2 | \"latent_channels\": 2000000000 | 'latent_channels': found 2000000000",
                "[64, 32, 32] | [64, 32] | upsample: found",
                "[64, 32, 32] | [64, 33, 32] | widths: found 33, expected 1 to 8192 and a multiple of norm_groups = 32",
                "[64, 32, 32] | [64, 32, 320000] | 'widths[2]': found 320000",
                "[2, 2, 2] | [2, 2] | 'upsample[0]'",
                "[[2, 2, 2], [1, 4, 2]] | [[16, 2, 2], [16, 4, 2]] | upsample: found 1024 on one axis, expected at most 256",
                "\"attention_heads\": 4 | \"attention_heads\": 5 | attention_heads: found 5, expected a divisor of the first width, 64",
                "\"mid_layers\": 1, \"attention\": false | \"mid_layers\": 0, \"attention\": true | mid_layers: found 0, expected at least 1",
                "[0, 0.5] | [0] | 'latent_mean'",
                "[1, 2.5] | [1, 0] | latent_std: found 0.0, expected finite numbers above 0",
                "[1, 2.5] | [1, 1e300] | latent_std: found 1.0E300",
                "\"overlap\": 2 | \"overlap\": 4 | in 'tile': overlap: found 4",
                "\"margin\": 0 | \"margins\": 0 | 'tile.margin'",
                "\"norm_groups\": 32, | '' | 'norm_groups'",
                "\"norm_groups\": 32 | \"norm_groups\": 32, \"norm_epsilon\": 1e-6 | unknown field 'norm_epsilon'",
                "\"norm_groups\": 32 | \"norm_groups\": 32, \"norm_eps\": 0 | norm_eps: found 0.0",
            })
    void invalidFieldsAreNamed(String part, String replacement, String message) {
        assertTrue(GOOD.contains(part), part);
        assertRejected(GOOD.replace(part, replacement), message);
    }
}
