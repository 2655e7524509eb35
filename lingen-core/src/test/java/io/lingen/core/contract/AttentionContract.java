package io.lingen.core.contract;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link io.lingen.core.backend.Backend#attention}. */
public abstract class AttentionContract extends BackendContract {
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
        "130, 129, 1, 33"
    })
    void everySizeFits(int queries, int keys, int heads, int headDim) {
        for (boolean masked : new boolean[] {false, true}) {
            assertAttention(queries, keys, heads, headDim, masked, 1, DType.F32, DType.F32, DType.F32);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, F32, BF16", "F32, BF16, F32", "BF16, F32, F32", "BF16, BF16, BF16"})
    void typesMix(DType q, DType kv, DType out) {
        for (boolean masked : new boolean[] {false, true}) {
            assertAttention(37, 41, 3, 16, masked, 1, q, kv, out);
        }
    }

    @ParameterizedTest
    @CsvSource({"30", "100"})
    void largeLogitsGiveNoNaN(double scale) {
        // Logits of some scale^2: the rounding of the product, one part in 2^24 of them, goes through the exponential.
        assertAttention(17, 35, 2, 16, true, scale, DType.F32, DType.F32, DType.F32);
    }

    @Test
    void oneKeptKeyIsTheAnswer() {
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
    void whatDoesNotFitIsRefused() {
        Tensor q = normal(DType.F32, 1, 5, 8).tensor();
        Tensor k = normal(DType.F32, 1, 3, 16).tensor();
        Tensor out = output(DType.F32, 5, 8);
        Heads query = new Heads(q, 0, 2, 4);
        Heads key = new Heads(k, 0, 2, 4);
        Heads value = new Heads(k, 8, 2, 4);
        refused(query, new Heads(k, 0, 4, 2), value, null, out);
        refused(query, key, new Heads(q, 0, 2, 4), null, out);
        refused(query, key, value, normal(DType.F32, 1, 5).tensor(), out);
        refused(query, key, value, normal(DType.BF16, 1, 3).tensor(), out);
        refused(query, key, value, null, output(DType.F32, 3, 8));
        refused(query, key, value, null, output(DType.F32, 5, 9));
    }

    private void refused(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out) {
        assertRefused(() -> backend().attention(q, k, v, mask, out));
    }

    private void assertAttention(
            int queries,
            int keys,
            int heads,
            int headDim,
            boolean masked,
            double scale,
            DType queryType,
            DType keyType,
            DType outType) {
        int width = heads * headDim;
        Sample q = normal(queryType, scale, queries, width + 3);
        Sample kv = normal(keyType, scale, keys, 2 * width + 1);
        float[] keep = new float[keys];
        for (int i = 0; i < keys; i++) {
            keep[i] = i == 0 || random().nextInt(3) > 0 ? 1 : 0;
        }
        Sample mask = sample(DType.F32, keep, keys);
        Tensor out = output(outType, queries, width);
        backend()
                .attention(
                        new Heads(q.tensor(), 2, heads, headDim),
                        new Heads(kv.tensor(), 1, heads, headDim),
                        new Heads(kv.tensor(), 1 + width, heads, headDim),
                        masked ? mask.tensor() : null,
                        out);
        double[] expected = ReferenceAttention.attention(
                new ReferenceAttention.Band(q.values(), width + 3, 2, heads, headDim),
                new ReferenceAttention.Band(kv.values(), 2 * width + 1, 1, heads, headDim),
                new ReferenceAttention.Band(kv.values(), 2 * width + 1, 1 + width, heads, headDim),
                masked ? mask.values() : null);
        double logits = Math.max(1, scale * scale);
        assertClose(expected, out, logits * tolerance(keys, queryType, keyType, outType));
    }
}
