package io.lingen.internal.t5;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.accounting.HostMemory;
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

class T5EncoderTest {
    private static final double F32_ERROR = 1e-5;
    private static final double BF16_ERROR = 3e-2;
    private static final EncoderFiles FILES =
            new EncoderFiles(TinyCheckpoint.COMPONENT, TinyCheckpoint.TOKENIZER, T5Network::read);

    @TempDir
    private Path model;

    @ParameterizedTest
    @CsvSource({
        "cpu, F32, true, true",
        "cpu, F32, false, false",
        "cpu, BF16, true, false",
        "nd4j, F32, true, false",
        "nd4j, F32, false, true"
    })
    void hiddenStatesAreThoseOfTheFormulas(String name, DType precision, boolean biasPerLayer, boolean keepLayers)
            throws IOException {
        TinyT5 tiny = new TinyT5(biasPerLayer);
        tiny.write(model);
        T5Reference reference = new T5Reference(tiny);
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
    void bucketsAreThoseOfTheFormula() {
        T5Config config = new T5Config(
                T5Config.ModelType.UMT5,
                TinyT5.WIDTH,
                TinyT5.HEADS,
                TinyT5.HEAD_WIDTH,
                TinyT5.FEED_FORWARD_WIDTH,
                TinyT5.LAYERS,
                TinyT5.VOCABULARY,
                TinyT5.BUCKETS,
                128,
                1e-6);
        for (int distance = -600; distance <= 600; distance++) {
            assertEquals(
                    T5Reference.bucket(distance), PositionBias.bucket(config, distance), "of distance " + distance);
        }
    }

    @ParameterizedTest
    @CsvSource({"cpu, F32", "cpu, BF16", "nd4j, F32"})
    void streamedLayersGiveWhatKeptLayersGive(String name, DType precision) throws IOException {
        new TinyT5(true).write(model);
        List<long[]> prompts = List.of(ids(130), ids(1), ids(17));
        try (Backend backend = backend(name);
                LayeredEncoder kept = open(backend, precision, true);
                LayeredEncoder streamed = open(backend, precision, false)) {
            List<HostTensor> expected = kept.encode(prompts, Taps.NONE, Progress.NONE);
            List<HostTensor> found = streamed.encode(prompts, Taps.NONE, Progress.NONE);
            for (int i = 0; i < prompts.size(); i++) {
                assertArrayEquals(expected.get(i).toFloats(), found.get(i).toFloats());
                HostTensor alone = streamed.encode(prompts.subList(i, i + 1), Taps.NONE, Progress.NONE)
                        .get(0);
                assertArrayEquals(expected.get(i).toFloats(), alone.toFloats(), "a prompt alone");
            }
        }
    }

    @Test
    void streamingHoldsOneLayer() throws IOException {
        new TinyT5(true).write(model);
        try (Backend backend = backend("cpu")) {
            try (LayeredEncoder streamed = open(backend, DType.F32, false)) {
                assertEquals(0, backend.memory().liveBytes());
                streamed.encode(List.of(ids(1)), Taps.NONE, Progress.NONE);
                assertEquals(0, backend.memory().liveBytes());
            }
            long streamedPeak = backend.memory().peakBytes();
            LayeredEncoder kept = open(backend, DType.F32, true);
            long all = backend.memory().liveBytes();
            kept.close();
            assertTrue(2 * streamedPeak < all, () -> streamedPeak + " of " + all);
            assertEquals(0, backend.memory().liveBytes());
        }
    }

    @Test
    void tapsAndProgressFollowTheLayers() throws IOException {
        new TinyT5(false).write(model);
        List<String> names = new ArrayList<>();
        List<Integer> done = new ArrayList<>();
        try (Backend backend = backend("cpu");
                LayeredEncoder encoder = open(backend, DType.BF16, false)) {
            encoder.encode(
                    List.of(ids(17), ids(3)),
                    (name, tensor) -> {
                        assertEquals(Shape.of(17, TinyT5.WIDTH), tensor.shape());
                        names.add(name);
                    },
                    (count, total) -> {
                        assertEquals(TinyT5.LAYERS, total);
                        done.add(count);
                    });
            assertEquals(List.of(0, 1, 2, 3, 4), done);
            assertEquals(
                    List.of(
                            "embed",
                            "block.0.attention",
                            "block.0",
                            "block.1.attention",
                            "block.1",
                            "block.2.attention",
                            "block.2",
                            "block.3.attention",
                            "block.3"),
                    names);
        }
    }

    @Test
    void aCancelledPassFreesItsMemory() throws IOException {
        new TinyT5(true).write(model);
        try (Backend backend = backend("cpu");
                LayeredEncoder encoder = open(backend, DType.F32, false)) {
            assertThrows(
                    IllegalStateException.class,
                    () -> encoder.encode(List.of(ids(17)), Taps.NONE, (done, total) -> {
                        if (done == 2) {
                            throw new IllegalStateException("cancelled");
                        }
                    }));
            assertEquals(0, backend.memory().liveBytes());
        }
    }

    @Test
    void tooLittleMemoryIsRefusedBeforeAnythingIsRead() throws IOException {
        new TinyT5(true).write(model);
        try (Backend backend = backend("cpu");
                LayeredEncoder encoder = open(backend, DType.F32, false)) {
            System.setProperty(HostMemory.PROPERTY, "4k");
            OutOfMemoryException error = assertThrows(
                    OutOfMemoryException.class,
                    () -> encoder.encode(List.of(ids(17)), Taps.NONE, (done, total) -> fail("the pass has begun")));
            assertTrue(error.getMessage().startsWith("the text encoder text_encoder needs about "), error.getMessage());
        } finally {
            System.clearProperty(HostMemory.PROPERTY);
        }
    }

    @Test
    void bothNamesOfTheEmbeddingsAndTensorsOfADecoderAreAccepted() throws IOException {
        TinyT5 tiny = new TinyT5(false);
        HostTensor embedding = tiny.tensors().get("shared.weight");
        tiny.tensors().put("encoder.embed_tokens.weight", embedding);
        tiny.tensors().put("decoder.block.0.layer.0.SelfAttention.q.weight", embedding);
        tiny.tensors().put("lm_head.weight", embedding);
        tiny.write(model);
        float[] expected = encode();
        tiny.tensors().remove("shared.weight");
        tiny.write(model);
        assertArrayEquals(expected, encode());
    }

    @Test
    void tensorsThatDoNotFitAreRefusedOnOpening() throws IOException {
        TinyT5 tiny = new TinyT5(true);
        HostTensor norm = tiny.tensors().remove("encoder.block.3.layer.1.layer_norm.weight");
        tiny.write(model);
        assertRefused("'encoder.block.3.layer.1.layer_norm.weight' of shape [24], found none");
        tiny.tensors().put("encoder.block.3.layer.1.layer_norm.weight", norm.reshape(2, 12));
        tiny.write(model);
        assertRefused("expected the shape [24], found [2, 12]");
        tiny.tensors().put("encoder.block.3.layer.1.layer_norm.weight", norm);
        tiny.tensors().put("encoder.block.4.layer.1.layer_norm.weight", norm);
        tiny.write(model);
        assertRefused("found 1 more that the configuration does not use: encoder.block.4.layer.1.layer_norm.weight");
    }

    @Test
    void aTruncatedShardIsRefused() throws IOException {
        new TinyT5(true).write(model);
        Path shard = model.resolve("text_encoder/model-00002-of-00002.safetensors");
        try (FileChannel channel = FileChannel.open(shard, StandardOpenOption.WRITE)) {
            channel.truncate(Files.size(shard) - 4);
        }
        assertRefused("model-00002-of-00002.safetensors");
        Files.delete(shard);
        assertRefused("model-00002-of-00002.safetensors");
    }

    @Test
    void tokensWithoutEmbeddingAreRefused() throws IOException {
        new TinyT5(true).write(model);
        try (Backend backend = backend("cpu");
                LayeredEncoder encoder = open(backend, DType.F32, false)) {
            for (long id : new long[] {TinyT5.VOCABULARY, -1, Long.MAX_VALUE}) {
                CheckpointException error = assertThrows(
                        CheckpointException.class,
                        () -> encoder.encode(List.of(new long[] {1, id}), Taps.NONE, Progress.NONE));
                assertTrue(
                        error.getMessage().contains("token ids below the 40 embeddings, found the id " + id),
                        error.getMessage());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "gated-gelu, relu, `'feed_forward_proj': found relu, expected \"gated-gelu\"`",
                "`\"d_model\": 24`, `\"d_model\": 24, \"dense_act_fn\": \"silu\"`, 'dense_act_fn'",
                "umt5, mt5, 'model_type'",
                "`\"d_model\": 24`, `\"d_model\": 0`, 'd_model'",
                "`\"d_kv\": 16`, `\"d_kv\": 100000`, 'd_kv'",
                "`\"d_ff\": 40`, `\"d_ff\": -1`, 'd_ff'",
                "`\"num_heads\": 3`, `\"num_heads\": 1.5`, 'num_heads'",
                "`\"num_layers\": 4`, `\"num_layers\": 2000000000`, 'num_layers'",
                "`\"vocab_size\": 40`, `\"vocab_size\": null`, 'vocab_size'",
                "`\"vocab_size\": 40`, `\"vocab_size\": 41`, `expected the shape [41, 24], found [40, 24]`",
                "`_buckets\": 32`, `_buckets\": 2`, 'relative_attention_num_buckets'",
                "`_distance\": 128`, `_distance\": 8`, 'relative_attention_max_distance': found 8",
                "1e-06, NaN, expected a number from 0.0 to 1.0",
                "1e-06, -1, 'layer_norm_epsilon'"
            })
    void impossibleConfigurationsAreRefused(String from, String to, String message) throws IOException {
        TinyT5 tiny = new TinyT5(true);
        tiny.write(model, tiny.config().replace(from, to), TinyT5.tokenizer("</s>"));
        assertRefused(message);
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
            return encoder.encode(List.of(ids(17)), Taps.NONE, Progress.NONE)
                    .get(0)
                    .toFloats();
        }
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
            ids[i] = (7L * i * i + 3L * i + 5) % TinyT5.VOCABULARY;
        }
        return ids;
    }
}
