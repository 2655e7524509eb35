package io.lingen.internal.gemma;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import java.util.stream.IntStream;

/**
 * The attention of Gemma 2: causal, within a window if a layer has one, with scores bounded by a soft cap, with rotary positions, and with
 * groups of query heads that share a head of keys and values.
 *
 * <p>Computed on the host. For the 500 tokens of a long prompt it is a hundredth of a layer's arithmetic, and its inputs and outputs are a
 * tenth of what a streamed layer transfers to a device, so an operation of every backend would save little. Immutable and thread-safe.
 */
final class CausalAttention {
    private final GemmaConfig config;
    private final int window;

    /**
     * Creates the attention of a layer.
     *
     * @param config the sizes
     * @param hasWindow whether a token attends to the last {@link GemmaConfig#window} tokens only
     */
    CausalAttention(GemmaConfig config, boolean hasWindow) {
        this.config = config;
        this.window = hasWindow ? config.window() : Integer.MAX_VALUE;
    }

    /**
     * Computes softmax(c tanh(q k^T / (sqrt(scoreDivisor) c))) v for each head of queries, with c the soft cap and q and k rotated.
     *
     * @param q [n, heads * headWidth] in F32
     * @param k [n, keyHeads * headWidth] in F32
     * @param v [n, keyHeads * headWidth] in F32
     * @param out [n, heads * headWidth]
     */
    void apply(Backend backend, Tensor q, Tensor k, Tensor v, Tensor out) {
        if (backend.computes()) {
            float[] mixed = attend(values(backend, q), values(backend, k), values(backend, v));
            backend.write(HostTensor.of(mixed, out.shape().toArray()), out);
        }
    }

    private static float[] values(Backend backend, Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        backend.download(tensor, values);
        return values;
    }

    private float[] attend(float[] q, float[] k, float[] v) {
        int n = q.length / config.queryWidth();
        float[][][] queries = byHead(q, n, config.heads());
        float[][][] keys = byHead(k, n, config.keyHeads());
        float[][][] values = byHead(v, n, config.keyHeads());
        rotate(n, queries);
        rotate(n, keys);
        float[][][] columns = transposed(keys, n);
        int headsPerGroup = config.heads() / config.keyHeads();
        float[] mixed = new float[q.length];
        IntStream.range(0, config.heads() * n).parallel().forEach(i -> {
            int head = i / n;
            int token = i % n;
            int group = head / headsPerGroup;
            float[] result = attend(queries[head][token], columns[group], values[group], token);
            System.arraycopy(
                    result, 0, mixed, token * config.queryWidth() + head * config.headWidth(), config.headWidth());
        });
        return mixed;
    }

    /** Copies a matrix [n, heads * headWidth] to [heads][n][headWidth]. */
    private float[][][] byHead(float[] matrix, int n, int heads) {
        float[][][] vectors = new float[heads][n][config.headWidth()];
        for (int head = 0; head < heads; head++) {
            for (int token = 0; token < n; token++) {
                int first = (token * heads + head) * config.headWidth();
                System.arraycopy(matrix, first, vectors[head][token], 0, config.headWidth());
            }
        }
        return vectors;
    }

    /** Transposes the matrix [n][headWidth] of every head. */
    private float[][][] transposed(float[][][] keys, int n) {
        float[][][] columns = new float[keys.length][config.headWidth()][n];
        for (int head = 0; head < keys.length; head++) {
            for (int token = 0; token < n; token++) {
                for (int c = 0; c < config.headWidth(); c++) {
                    columns[head][c][token] = keys[head][token][c];
                }
            }
        }
        return columns;
    }

    /** Rotates vectors [heads][n][headWidth] by their positions. The pairs are entries of the two halves of a vector. */
    private void rotate(int n, float[][][] heads) {
        int half = config.headWidth() / 2;
        for (int i = 0; i < half; i++) {
            // Models are trained with these angles in F32.
            float frequency = (float) Math.pow(config.rotaryBase(), -2.0 * i / config.headWidth());
            for (int token = 0; token < n; token++) {
                float angle = token * frequency;
                float cos = (float) Math.cos(angle);
                float sin = (float) Math.sin(angle);
                for (float[][] head : heads) {
                    float[] vector = head[token];
                    float a = vector[i];
                    float b = vector[half + i];
                    vector[i] = a * cos - b * sin;
                    vector[half + i] = b * cos + a * sin;
                }
            }
        }
    }

    /**
     * Computes the result of a query.
     *
     * @param query [headWidth]
     * @param keys [headWidth][n]
     * @param values [n][headWidth]
     * @param token the position of the query
     * @return [headWidth]
     */
    private float[] attend(float[] query, float[][] keys, float[][] values, int token) {
        int first = Math.max(0, token - window + 1);
        int end = token + 1;
        float[] weights = new float[end];
        addCombination(query, 0, query.length, keys, weights, first, end);
        softmax(weights, first, end);
        float[] result = new float[config.headWidth()];
        addCombination(weights, first, end, values, result, 0, result.length);
        return result;
    }

    /** Replaces scores, not yet divided and capped, by their softmax. */
    private void softmax(float[] scores, int first, int end) {
        double scale = 1 / (Math.sqrt(config.scoreDivisor()) * config.softCap());
        double max = Double.NEGATIVE_INFINITY;
        for (int i = first; i < end; i++) {
            scores[i] = (float) (config.softCap() * Math.tanh(scores[i] * scale));
            max = Math.max(max, scores[i]);
        }
        double sum = 0;
        for (int i = first; i < end; i++) {
            scores[i] = (float) Math.exp(scores[i] - max);
            sum += scores[i];
        }
        for (int i = first; i < end; i++) {
            scores[i] = (float) (scores[i] / sum);
        }
    }

    /**
     * Computes out += sum of factors[r] * rows[r] over r, for the columns of a range. Four rows at a time, so that the compiler's vector loop
     * loads and stores out once for four products.
     */
    private static void addCombination(
            float[] factors, int firstRow, int endRow, float[][] rows, float[] out, int from, int to) {
        int r = firstRow;
        for (; r + 3 < endRow; r += 4) {
            float f0 = factors[r];
            float f1 = factors[r + 1];
            float f2 = factors[r + 2];
            float f3 = factors[r + 3];
            float[] row0 = rows[r];
            float[] row1 = rows[r + 1];
            float[] row2 = rows[r + 2];
            float[] row3 = rows[r + 3];
            for (int j = from; j < to; j++) {
                out[j] += f0 * row0[j] + f1 * row1[j] + f2 * row2[j] + f3 * row3[j];
            }
        }
        for (; r < endRow; r++) {
            float f = factors[r];
            float[] row = rows[r];
            for (int j = from; j < to; j++) {
                out[j] += f * row[j];
            }
        }
    }
}
