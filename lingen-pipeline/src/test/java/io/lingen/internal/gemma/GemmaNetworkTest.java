package io.lingen.internal.gemma;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.internal.text.EncoderFiles;
import io.lingen.internal.text.LayeredEncoder;
import io.lingen.internal.text.Matrices;
import io.lingen.internal.text.TinyCheckpoint;
import io.lingen.text.TextEncoder.Progress;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GemmaNetworkTest {
    private static final double F32_ERROR = 1e-5;
    private static final double BF16_ERROR = 3e-2;
    private static final EncoderFiles FILES =
            new EncoderFiles(TinyCheckpoint.COMPONENT, TinyCheckpoint.TOKENIZER, GemmaNetwork::read);

    @TempDir
    private Path model;

    @ParameterizedTest
    @CsvSource({"cpu, F32, '', true", "cpu, F32, model., false", "cpu, BF16, '', false", "nd4j, F32, '', false"})
    void hiddenStatesAreThoseOfTheFormulas(String name, DType precision, String prefix, boolean keepLayers)
            throws IOException {
        TinyGemma tiny = new TinyGemma(prefix);
        tiny.write(model);
        GemmaReference reference = new GemmaReference(tiny);
        try (Backend backend = backend(name);
                LayeredEncoder encoder = open(backend, precision, keepLayers)) {
            List<long[]> prompts = List.of(ids(1), ids(17), ids(130));
            List<HostTensor> hidden = encoder.encode(prompts, Taps.NONE, Progress.NONE);
            for (int i = 0; i < prompts.size(); i++) {
                double error = Matrices.relativeError(reference.encode(prompts.get(i)), hidden.get(i));
                double bound = precision == DType.F32 ? F32_ERROR : BF16_ERROR;
                assertTrue(error < bound, prompts.get(i).length + " tokens: " + error);
            }
        }
    }

    @Test
    void hiddenStatesOfAPromptDoNotDependOnLaterTokens() throws IOException {
        new TinyGemma().write(model);
        try (Backend backend = backend("cpu");
                LayeredEncoder encoder = open(backend, DType.F32, false)) {
            List<HostTensor> hidden = encoder.encode(List.of(ids(40), ids(70)), Taps.NONE, Progress.NONE);
            double error = Matrices.relativeError(
                    Matrices.of(hidden.get(0)), hidden.get(1).slice(0, 40));
            assertTrue(error < F32_ERROR, "40 of 70 tokens: " + error);
        }
    }

    @Test
    void tapsFollowTheLayers() throws IOException {
        new TinyGemma().write(model);
        List<String> names = new ArrayList<>();
        try (Backend backend = backend("cpu");
                LayeredEncoder encoder = open(backend, DType.BF16, false)) {
            encoder.encode(
                    List.of(ids(17), ids(3)),
                    (name, tensor) -> {
                        assertEquals(Shape.of(17, TinyGemma.WIDTH), tensor.shape());
                        names.add(name);
                    },
                    Progress.NONE);
        }
        assertEquals(
                List.of(
                        "embed",
                        "block.0.attention",
                        "block.0",
                        "block.1.attention",
                        "block.1",
                        "block.2.attention",
                        "block.2"),
                names);
    }

    @Test
    void streamingHoldsOneLayer() throws IOException {
        new TinyGemma().write(model);
        try (Backend backend = backend("cpu")) {
            float[] found;
            try (LayeredEncoder streamed = open(backend, DType.F32, false)) {
                assertEquals(0, backend.memory().liveBytes());
                found = encode(streamed);
                assertEquals(0, backend.memory().liveBytes());
            }
            try (LayeredEncoder kept = open(backend, DType.F32, true)) {
                assertTrue(backend.memory().liveBytes() > 0);
                assertArrayEquals(encode(kept), found);
            }
            assertEquals(0, backend.memory().liveBytes());
        }
    }

    @Test
    void tensorsThatDoNotFitAreRefusedOnOpening() throws IOException {
        TinyGemma tiny = new TinyGemma();
        HostTensor norm = tiny.tensors().remove("layers.2.post_feedforward_layernorm.weight");
        tiny.write(model);
        assertRefused("'layers.2.post_feedforward_layernorm.weight' of shape [24], found none");
        tiny.tensors().put("layers.2.post_feedforward_layernorm.weight", norm.reshape(2, 12));
        tiny.write(model);
        assertRefused("expected the shape [24], found [2, 12]");
        tiny.tensors().put("layers.2.post_feedforward_layernorm.weight", norm);
        tiny.tensors().put("layers.3.input_layernorm.weight", norm);
        tiny.write(model);
        assertRefused("found 1 more that the configuration does not use: layers.3.input_layernorm.weight");
    }

    @Test
    void anOutputLayerIsIgnored() throws IOException {
        TinyGemma tiny = new TinyGemma("model.");
        tiny.write(model);
        float[] expected = encode();
        tiny.tensors().put("lm_head.weight", tiny.tensor("embed_tokens.weight"));
        tiny.write(model);
        assertArrayEquals(expected, encode());
    }

    @Test
    void aTruncatedShardIsRefused() throws IOException {
        new TinyGemma().write(model);
        Path shard = model.resolve("text_encoder/model-00002-of-00002.safetensors");
        try (FileChannel channel = FileChannel.open(shard, StandardOpenOption.WRITE)) {
            channel.truncate(Files.size(shard) - 4);
        }
        assertRefused("model-00002-of-00002.safetensors");
    }

    @Test
    void weightsThatAreNotFiniteAreRefused() throws IOException {
        TinyGemma tiny = new TinyGemma();
        float[] values = tiny.tensor("layers.1.mlp.up_proj.weight").toFloats();
        values[7] = Float.NaN;
        tiny.tensors()
                .put(
                        "layers.1.mlp.up_proj.weight",
                        HostTensor.of(values, TinyGemma.FEED_FORWARD_WIDTH, TinyGemma.WIDTH));
        tiny.write(model);
        try (Backend backend = backend("cpu");
                LayeredEncoder encoder = open(backend, DType.F32, false)) {
            CheckpointException error = assertThrows(CheckpointException.class, () -> encode(encoder));
            assertTrue(error.getMessage().contains("'layers.1.mlp.up_proj.weight'"), error.getMessage());
            assertEquals(0, backend.memory().liveBytes());
        }
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "`\"gemma2\"`, `\"gemma3_text\"`, `'model_type': found \"gemma3_text\", expected \"gemma2\"`",
                "gelu_pytorch_tanh, silu, `'hidden_activation': found \"silu\", expected \"gelu_pytorch_tanh\"`",
                "`\"attention_bias\": false`, `\"attention_bias\": true`, `'attention_bias': found true, expected false`",
                "`_attention\": null`, `_attention\": true`, 'use_bidirectional_attention'",
                "`\"hidden_size\": 24`, `\"hidden_size\": 0`, 'hidden_size'",
                "`\"hidden_size\": 24`, `\"hidden_size\": 25`, `expected the shape [300, 25], found [300, 24]`",
                "`\"num_hidden_layers\": 3`, `\"num_hidden_layers\": 2000000000`, 'num_hidden_layers'",
                "`\"num_attention_heads\": 4`, `\"num_attention_heads\": 1.5`, 'num_attention_heads'",
                "`\"num_key_value_heads\": 2`, `\"num_key_value_heads\": 3`, `found 3, expected a divisor of`",
                "`\"head_dim\": 10`, `\"head_dim\": 5`, `'head_dim': found 5, expected an even number`",
                "`\"head_dim\": 10`, `\"head_dim\": 100000`, 'head_dim'",
                "`\"intermediate_size\": 40`, `\"intermediate_size\": -1`, 'intermediate_size'",
                "`\"vocab_size\": 300`, `\"vocab_size\": null`, 'vocab_size'",
                "`scalar\": 19`, `scalar\": 0`, 'query_pre_attn_scalar'",
                "`\"attn_logit_softcapping\": 2.5`, `\"attn_logit_softcapping\": null`, 'attn_logit_softcapping'",
                "`\"sliding_window\": 16`, `\"sliding_window\": 0`, 'sliding_window'",
                "`\"rope_theta\": 10000.0`, `\"rope_theta\": 0`, 'rope_theta'",
                "`\"rope_theta\"`, `\"rope_scaling\": {}, \"rope_theta\"`, 'rope_scaling'",
                "`\"rope_theta\": 10000.0`, `\"rope_parameters\": {}`, 'rope_parameters.rope_theta'",
                "`\"rope_theta\": 10000.0`, `\"rope_parameters\": {\"rope_type\": \"yarn\"}`, 'rope_parameters.rope_type'",
                "1e-06, NaN, expected a number from 0.0 to 1.0",
                "1e-06, -1, 'rms_norm_eps'",
                "`\"final`, `\"layer_types\": [\"sliding_attention\"], \"final`, `found 1 layers, expected num_hidden_layers`"
            })
    void impossibleConfigurationsAreRefused(String from, String to, String message) throws IOException {
        String config = TinyGemma.config();
        assertTrue(config.contains(from), from);
        new TinyGemma().write(model, config.replace(from, to), TinyGemma.tokenizer());
        assertRefused(message);
    }

    @Test
    void newerConfigurationsGiveTheSameNetwork() throws IOException {
        TinyGemma tiny = new TinyGemma();
        tiny.write(model);
        float[] expected = encode();
        String types = "[\"sliding_attention\", \"full_attention\", \"sliding_attention\"]";
        String config = TinyGemma.config()
                .replace(
                        "\"rope_theta\": 10000.0",
                        "\"rope_parameters\": {\"rope_theta\": 10000.0, \"rope_type\": \"default\"}, \"layer_types\": "
                                + types);
        tiny.write(model, config, TinyGemma.tokenizer());
        assertArrayEquals(expected, encode());
        tiny.write(model, config.replace("full", "sliding"), TinyGemma.tokenizer());
        assertRefused("'layer_types[1]': found \"sliding_attention\", expected \"full_attention\"");
    }

    private void assertRefused(String message) {
        for (boolean keepLayers : new boolean[] {false, true}) {
            try (Backend backend = backend("cpu")) {
                CheckpointException error =
                        assertThrows(CheckpointException.class, () -> open(backend, DType.F32, keepLayers));
                assertTrue(error.getMessage().contains(message), error.getMessage());
                assertEquals(0, backend.memory().liveBytes());
            }
        }
    }

    private float[] encode() {
        try (Backend backend = backend("cpu");
                LayeredEncoder encoder = open(backend, DType.F32, false)) {
            return encode(encoder);
        }
    }

    private static float[] encode(LayeredEncoder encoder) {
        return encoder.encode(List.of(ids(17)), Taps.NONE, Progress.NONE).get(0).toFloats();
    }

    private LayeredEncoder open(Backend backend, DType precision, boolean keepLayers) {
        try (ModelSource source = ModelSource.of(model)) {
            return LayeredEncoder.open(source, FILES, backend, precision, keepLayers);
        }
    }

    private static Backend backend(String name) {
        return Backends.create(name, new BackendOptions(2));
    }

    private static long[] ids(int count) {
        long[] ids = new long[count];
        for (int i = 0; i < count; i++) {
            ids[i] = (7L * i * i + 3L * i + 5) % TinyGemma.VOCABULARY;
        }
        return ids;
    }
}
