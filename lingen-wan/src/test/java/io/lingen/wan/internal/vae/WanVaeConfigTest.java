package io.lingen.wan.internal.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.wan.internal.vae.WanVaeConfig.Stage;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configurations of the published models, and values that are refused. */
final class WanVaeConfigTest {
    private static WanVaeConfig read(String json) {
        return WanVaeConfig.read(ConfigReader.parse("vae/config.json", json.getBytes(StandardCharsets.UTF_8)));
    }

    private static String wan21(String more) {
        return """
                {"base_dim": 96, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2,
                 "temperal_downsample": [false, true, true]%s}
                """.formatted(more);
    }

    @Test
    void missingFieldsHaveTheValuesOfWan21() {
        WanVaeConfig config = read(wan21(", \"dropout\": 0.0, \"somebody\": {\"elses\": 1}, \"patch_size\": null"));
        assertEquals(96, config.decoderWidth());
        assertFalse(config.residual());
        assertEquals(1, config.patch());
        assertEquals(-0.7571, config.latentMean().get(0));
        assertEquals(1.9160, config.latentStd().get(15));
        assertEquals(new Grid(81, 480, 832), config.framesOf(new Grid(21, 60, 104)));
        assertEquals(
                List.of(
                        new Stage(96, 96, new Dims3(1, 2, 2)),
                        new Stage(96, 192, new Dims3(2, 2, 2)),
                        new Stage(192, 384, new Dims3(2, 2, 2)),
                        new Stage(384, 384, Dims3.ONE)),
                config.encoderStages());
        assertEquals(
                List.of(
                        new Stage(384, 384, new Dims3(2, 2, 2)),
                        new Stage(192, 384, new Dims3(2, 2, 2)),
                        new Stage(192, 192, new Dims3(1, 2, 2)),
                        new Stage(96, 96, Dims3.ONE)),
                config.decoderStages());
    }

    @Test
    void wan22HasItsOwnDecoderWidths() {
        List<Double> ones = Collections.nCopies(48, 1.0);
        WanVaeConfig config = read("""
                {"base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2,
                 "temperal_downsample": [false, true, true], "is_residual": true, "patch_size": 2, "in_channels": 12,
                 "out_channels": 12, "scale_factor_spatial": 16, "latents_mean": %s, "latents_std": %s}
                """.formatted(ones, ones));
        assertEquals(new Grid(121, 704, 1280), config.framesOf(new Grid(31, 44, 80)));
        List<Stage> stages = config.decoderStages();
        assertEquals(
                List.of(
                        new Stage(1024, 1024, new Dims3(2, 2, 2)),
                        new Stage(1024, 1024, new Dims3(2, 2, 2)),
                        new Stage(1024, 512, new Dims3(1, 2, 2)),
                        new Stage(512, 256, Dims3.ONE)),
                stages);
        assertEquals(Dims3.ONE, stages.get(1).shuffled());
        assertEquals(new Dims3(1, 2, 1), stages.get(2).shuffled());
        assertEquals(new Dims3(1, 1, 2), stages.get(2).repeated());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"attn_scales\": [0.5] | field 'attn_scales': found [0.5], expected an array of 0 numbers",
                "\"in_channels\": 12 | field 'in_channels': found 12, expected 3, which follows from patch_size = 1",
                "\"out_channels\": 4 | field 'out_channels': found 4, expected 3",
                "\"scale_factor_spatial\": 16 | field 'scale_factor_spatial': found 16, expected 8",
                "\"scale_factor_temporal\": 8 | field 'scale_factor_temporal': found 8, expected 4",
                "\"latents_std\": [1] | field 'latents_std': found [1], expected an array of 16 numbers",
                "\"latents_std\": [1,1,1,1,1,1,1,0,1,1,1,1,1,1,1,1] | latents_std: found 0.0, expected finite numbers above 0",
                "\"decoder_base_dim\": 5000 | decoder_base_dim: found 5000, expected at least 1, with products of at most 8192",
                "\"decoder_base_dim\": -1 | field 'decoder_base_dim': found -1, expected an integer from 1 to 8192",
                "\"is_residual\": 1 | field 'is_residual': found 1, expected true or false",
                "\"patch_size\": 17 | field 'patch_size': found 17, expected an integer from 1 to 16",
            })
    void valuesThatAreNotImplementedAreNamed(String field, String message) {
        assertRejected(wan21(", " + field), message);
    }

    @Test
    void requiredFieldsAreNamed() {
        for (String field : List.of("base_dim", "z_dim", "dim_mult", "num_res_blocks", "temperal_downsample")) {
            assertRejected(wan21("").replace(field, "other"), "field '" + field + "': found nothing");
        }
        assertRejected(wan21("").replace("\"z_dim\": 16", "\"z_dim\": 8"), "field 'latents_mean': found nothing");
        assertRejected(
                wan21("").replace("[false, true, true]", "[true, true]"),
                "field 'temperal_downsample': found [true,true], expected an array of 3 flags");
    }

    @Test
    void widthsMustAllowTheShortcuts() {
        assertRejected(
                wan21(", \"is_residual\": true").replace("[1, 2, 4, 4]", "[1, 3, 3, 3]"),
                "dim_mult: found [1, 3, 3, 3]: widths of a stage with a shortcut must be equal or differ by a power of 2"
                        + " up to the factor of the resolution, found 96 and 288");
        assertRejected(wan21(", \"is_residual\": true").replace("[1, 2, 4, 4]", "[1, 2, 4, 8]"), "found 384 and 768");
        assertRejected(wan21("").replace("96", "3").replace("[1, 2, 4, 4]", "[1, 2, 3, 3]"), "even widths");
    }

    private static void assertRejected(String json, String message) {
        String found = assertThrows(CheckpointException.class, () -> read(json)).getMessage();
        assertTrue(found.contains(message), found);
        assertTrue(found.startsWith("vae/config.json"), found);
    }
}
