package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract of {@link io.lingen.core.backend.Backend#attention}. */
public abstract class AttentionContract extends BackendContract {
    /** The kinds of weights of keys. */
    private enum Weights {
        NONE,
        /** Weights of 1 and 0. The first key is kept. */
        MASK,
        /** Weights from tiny to large, some of them 0 or 1. */
        ANY;

        float[] of(int keys, Random random) {
            float[] weights = new float[keys];
            for (int i = 0; i < keys; i++) {
                int kind = i == 0 ? 2 : random.nextInt(6);
                weights[i] = kind == 0 ? 0 : kind < 3 || this == MASK ? 1 : (float) Math.exp(2 * random.nextGaussian());
            }
            return weights;
        }
    }

    @ParameterizedTest
    @CsvSource({
        // queries, keys, heads, head dimension
        "1, 1, 1, 1",
        "1, 7, 1, 3",
        "7, 1, 2, 5",
        "13, 11, 3, 17",
        "31, 33, 2, 16",
        "64, 64, 1, 64",
        "65, 63, 2, 31",
        "3, 257, 1, 128",
        "130, 129, 1, 33",
        // Head dimensions of autoencoders.
        "33, 40, 1, 160",
        "70, 130, 1, 384",
        "129, 65, 2, 260",
        "66, 70, 1, 512",
        "5, 33, 1, 513"
    })
    void allSizesMatchTheReference(int queries, int keys, int heads, int headDim) {
        for (Weights weights : Weights.values()) {
            assertAttention(queries, keys, heads, headDim, weights, 1, DType.F32, DType.F32, DType.F32);
            assertAttention(queries, keys, heads, headDim, weights, 1, DType.BF16, DType.BF16, DType.BF16);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, F32, BF16", "F32, BF16, F32", "BF16, F32, F32", "BF16, BF16, BF16"})
    void typesMayBeMixed(DType q, DType kv, DType out) {
        for (Weights weights : Weights.values()) {
            assertAttention(37, 41, 3, 16, weights, 1, q, kv, out);
        }
    }

    @ParameterizedTest
    @CsvSource({"30", "100"})
    void largeLogitsGiveNoNaN(double scale) {
        // Logits are about scale^2. Their rounding error, 2^-24 of them, is amplified by the exponential.
        assertAttention(17, 35, 2, 16, Weights.MASK, scale, DType.F32, DType.F32, DType.F32);
        assertAttention(17, 35, 2, 16, Weights.ANY, scale, DType.F32, DType.F32, DType.F32);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 8, F32",
        "70, 300, 2, 64, F32",
        "300, 70, 1, 128, BF16",
        "65, 257, 3, 40, BF16",
        "40, 130, 1, 384, F32"
    })
    void weightsOfOneAreBitIdenticalToNone(int queries, int keys, int heads, int headDim, DType dtype) {
        int width = heads * headDim;
        Tensor q = normal(dtype, 1, queries, width).tensor();
        Tensor kv = normal(dtype, 1, keys, 2 * width).tensor();
        float[] ones = new float[keys];
        Arrays.fill(ones, 1);
        Tensor weights = sample(DType.F32, ones, keys).tensor();
        Tensor plain = output(dtype, queries, width);
        Tensor weighted = output(dtype, queries, width);
        Heads query = new Heads(q, 0, heads, headDim);
        Heads key = new Heads(kv, 0, heads, headDim);
        Heads value = new Heads(kv, width, heads, headDim);
        backend().attention(query, key, value, null, plain);
        backend().attention(query, key, value, weights, weighted);
        assertArrayEquals(floats(plain), floats(weighted));
    }

    /** The padding of a text is many equal keys, which one key with a weight replaces. */
    @ParameterizedTest
    @CsvSource({"20, 3, 512, F32", "150, 60, 300, F32", "20, 3, 512, BF16", "150, 129, 512, BF16"})
    void keysOfWeightNCountLikeNEqualKeys(int queries, int different, int keys, DType dtype) {
        int heads = 2;
        int width = heads * 32;
        Sample q = normal(dtype, 1, queries, width);
        Sample merged = normal(dtype, 1, different + 1, 2 * width);
        float[] repeated = new float[keys * 2 * width];
        for (int i = 0; i < repeated.length; i++) {
            int row = Math.min(i / (2 * width), different);
            repeated[i] = (float) merged.values()[row * 2 * width + i % (2 * width)];
        }
        float[] weights = new float[different + 1];
        Arrays.fill(weights, 1);
        weights[different] = keys - different;
        Tensor few = output(DType.F32, queries, width);
        Tensor many = output(DType.F32, queries, width);
        Tensor all = sample(dtype, repeated, keys, 2 * width).tensor();
        Heads query = new Heads(q.tensor(), 0, heads, 32);
        backend()
                .attention(
                        query,
                        new Heads(merged.tensor(), 0, heads, 32),
                        new Heads(merged.tensor(), width, heads, 32),
                        sample(DType.F32, weights, different + 1).tensor(),
                        few);
        backend().attention(query, new Heads(all, 0, heads, 32), new Heads(all, width, heads, 32), null, many);
        float[] values = floats(many);
        double[] expected = new double[values.length];
        Arrays.setAll(expected, i -> values[i]);
        assertClose(expected, few, tolerance(keys, dtype));
    }

    @ParameterizedTest
    @CsvSource({"F32", "BF16"})
    void hugeAndTinyWeightsGiveFiniteResults(DType dtype) {
        int keys = 150;
        float[] weights = new float[keys];
        for (int i = 0; i < keys; i++) {
            weights[i] = i % 3 == 0 ? Float.MIN_NORMAL : i % 3 == 1 ? 1e30f : 0;
        }
        Sample q = normal(dtype, 1, 70, 64);
        Sample kv = normal(dtype, 1, keys, 64);
        Sample ofKeys = sample(DType.F32, weights, keys);
        Tensor out = output(DType.F32, 70, 64);
        Heads both = new Heads(kv.tensor(), 0, 1, 64);
        backend().attention(new Heads(q.tensor(), 0, 1, 64), both, both, ofKeys.tensor(), out);
        ReferenceAttention.HeadValues band = new ReferenceAttention.HeadValues(kv.values(), 64, 0, 1, 64);
        double[] expected = ReferenceAttention.attention(
                new ReferenceAttention.HeadValues(q.values(), 64, 0, 1, 64), band, band, ofKeys.values());
        // Adding the logarithm of a weight increases the rounding error of the score.
        assertClose(expected, out, 64 * tolerance(keys, dtype));
    }

    @Test
    void singleKeptKeysGiveTheirValue() {
        Sample q = normal(DType.F32, 1, 5, 8);
        Sample kv = normal(DType.F32, 1, 3, 8);
        Sample mask = sample(DType.F32, new float[] {0, 1, 0}, 3);
        Heads heads = new Heads(kv.tensor(), 0, 2, 4);
        Tensor out = output(DType.F32, 5, 8);
        backend().attention(new Heads(q.tensor(), 0, 2, 4), heads, heads, mask.tensor(), out);
        double[] expected = new double[5 * 8];
        Arrays.setAll(expected, i -> kv.values()[8 + i % 8]);
        assertClose(expected, out, tolerance(1, DType.F32));
    }

    @Test
    void invalidArgumentsAreRejected() {
        Tensor q = normal(DType.F32, 1, 5, 8).tensor();
        Tensor k = normal(DType.F32, 1, 3, 16).tensor();
        Tensor out = output(DType.F32, 5, 8);
        Heads query = new Heads(q, 0, 2, 4);
        Heads key = new Heads(k, 0, 2, 4);
        Heads value = new Heads(k, 8, 2, 4);
        assertRejected(query, new Heads(k, 0, 4, 2), value, null, out);
        assertRejected(query, key, new Heads(q, 0, 2, 4), null, out);
        assertRejected(query, key, value, normal(DType.F32, 1, 5).tensor(), out);
        assertRejected(query, key, value, normal(DType.BF16, 1, 3).tensor(), out);
        assertRejected(query, key, value, null, output(DType.F32, 3, 8));
        assertRejected(query, key, value, null, output(DType.F32, 5, 9));
    }

    private void assertRejected(Heads q, Heads k, Heads v, @Nullable Tensor weights, Tensor out) {
        assertRejected(() -> backend().attention(q, k, v, weights, out));
    }

    private void assertAttention(
            int queries,
            int keys,
            int heads,
            int headDim,
            Weights weights,
            double scale,
            DType queryType,
            DType keyType,
            DType outType) {
        int width = heads * headDim;
        Sample q = normal(queryType, scale, queries, width + 3);
        Sample kv = normal(keyType, scale, keys, 2 * width + 1);
        Sample ofKeys = sample(DType.F32, weights.of(keys, random()), keys);
        Tensor out = output(outType, queries, width);
        backend()
                .attention(
                        new Heads(q.tensor(), 2, heads, headDim),
                        new Heads(kv.tensor(), 1, heads, headDim),
                        new Heads(kv.tensor(), 1 + width, heads, headDim),
                        weights == Weights.NONE ? null : ofKeys.tensor(),
                        out);
        double[] expected = ReferenceAttention.attention(
                new ReferenceAttention.HeadValues(q.values(), width + 3, 2, heads, headDim),
                new ReferenceAttention.HeadValues(kv.values(), 2 * width + 1, 1, heads, headDim),
                new ReferenceAttention.HeadValues(kv.values(), 2 * width + 1, 1 + width, heads, headDim),
                weights == Weights.NONE ? null : ofKeys.values());
        double logits = Math.max(1, scale * scale);
        assertClose(expected, out, logits * tolerance(keys, queryType, keyType, outType));
    }
}
