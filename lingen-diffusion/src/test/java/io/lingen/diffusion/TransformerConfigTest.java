package io.lingen.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.mate.MambaConfig;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TransformerConfigTest {
    private static final String LINGEN_4B = """
            {"architecture": "lingen", "in_channels": 16, "patch_size": [1, 2, 2], "hidden_size": 2560, "depth": 28,
             "num_heads": 20, "ffn_ratio": 4.0, "text_dims": [384], "max_grid": [160, 64, 64],
             "ma": true, "scan": "rotary_major", "review_pool": [2, 2, 2],
             "mamba": {"d_state": 128, "d_conv": 4, "expand": 2, "head_dim": 64, "n_groups": 1, "chunk_size": 256},
             "tesa": {"window": [16, 4, 4], "inner_dim": 2560}}
            """;

    @Test
    void readsThePublishedExample() {
        TransformerConfig config = read(LINGEN_4B);
        assertEquals(10240, config.ffnSize());
        assertEquals(128, config.headDim());
        assertEquals(64, config.patchWidth());
        assertNotNull(config.mate());
        assertEquals(MambaConfig.defaults(), config.mate().mamba());
        assertEquals("hwt", config.mate().scan().order(6).toString());
        assertEquals(2560, config.mate().swin().innerDim());
    }

    @Test
    void fieldsOfDisabledPartsAreIgnored() {
        TransformerConfig withoutMa = read(LINGEN_4B.replace("\"ma\": true", "\"ma\": false"));
        assertNull(withoutMa.mate().mamba());
        TransformerConfig dit = read(LINGEN_4B.replace("\"lingen\"", "\"dit\""));
        assertNull(dit.mate());
        TransformerConfig withoutReview =
                read(LINGEN_4B.replace("\"review_pool\": [2, 2, 2]", "\"review_pool\": null"));
        assertNull(withoutReview.mate().reviewPool());
        TransformerConfig fixed = read(LINGEN_4B.replace("rotary_major", "fixed"));
        assertEquals("thw", fixed.mate().scan().order(3).toString());
        TransformerConfig innerDefault = read(LINGEN_4B.replace(", \"inner_dim\": 2560", ""));
        assertEquals(2560, innerDefault.mate().swin().innerDim());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"depth\": 28 | \"depth\": 1000000000 | depth",
                "\"depth\": 28, | | depth",
                "\"depth\": 28 | \"depth\": 28, \"dropout\": 0.1 | dropout",
                "\"num_heads\": 20 | \"num_heads\": 7 | num_heads",
                "\"hidden_size\": 2560 | \"hidden_size\": \"wide\" | hidden_size",
                "\"ffn_ratio\": 4.0 | \"ffn_ratio\": 4.0001 | ffn_ratio",
                "[1, 2, 2] | [1, 2] | patch_size",
                "\"lingen\" | \"unet\" | architecture",
                "\"rotary_major\" | \"spiral\" | scan",
                "\"head_dim\": 64 | \"head_dim\": 63 | head_dim",
                "\"n_groups\": 1 | \"n_groups\": 3 | n_groups",
                "\"inner_dim\": 2560 | \"inner_dim\": 2561 | inner_dim",
                "\"d_conv\": 4 | \"d_conv\": 0 | d_conv",
                "\"text_dims\": [384] | \"text_dims\": [] | text_dims",
            })
    void invalidFieldsAreNamed(String good, String bad, String field) {
        String json = LINGEN_4B.replace(good, bad == null ? "" : bad);
        CheckpointException error = assertThrows(CheckpointException.class, () -> read(json));
        assertTrue(error.getMessage().contains(field), error.getMessage());
    }

    @Test
    void blockMustHaveABranch() {
        String json = LINGEN_4B
                .replace("\"ma\": true", "\"ma\": false")
                .replace("{\"window\": [16, 4, 4], \"inner_dim\": 2560}", "null");
        CheckpointException error = assertThrows(CheckpointException.class, () -> read(json));
        assertTrue(error.getMessage().contains("tesa"), error.getMessage());
    }

    private static TransformerConfig read(String json) {
        return TransformerConfig.read(ConfigReader.parse("config.json", json.getBytes(StandardCharsets.UTF_8)));
    }
}
