package io.lingen.internal.t5;

import io.lingen.internal.text.Matrices;

/** The formulas of a T5 encoder in double precision, element by element. */
final class T5Reference {
    private static final int MAX_DISTANCE = 128;

    private final TinyT5 model;

    T5Reference(TinyT5 model) {
        this.model = model;
    }

    /** The hidden states [n][d] of token ids. */
    double[][] encode(long[] ids) {
        double[][] x = Matrices.rows(matrix("shared.weight"), ids);
        for (int l = 0; l < TinyT5.LAYERS; l++) {
            String layer = "encoder.block." + l + ".layer.";
            int biases = model.hasBiasPerLayer() ? l : 0;
            Matrices.add(x, attention(norm(x, layer + "0.layer_norm.weight"), layer + "0.SelfAttention.", biases));
            double[][] u = norm(x, layer + "1.layer_norm.weight");
            double[][] gate = product(u, layer + "1.DenseReluDense.wi_0.weight");
            double[][] up = product(u, layer + "1.DenseReluDense.wi_1.weight");
            Matrices.add(x, product(Matrices.gated(gate, up), layer + "1.DenseReluDense.wo.weight"));
        }
        return norm(x, "encoder.final_layer_norm.weight");
    }

    private double[][] attention(double[][] u, String prefix, int biasLayer) {
        double[][] q = product(u, prefix + "q.weight");
        double[][] k = product(u, prefix + "k.weight");
        double[][] v = product(u, prefix + "v.weight");
        double[][] bias =
                matrix("encoder.block." + biasLayer + ".layer.0.SelfAttention.relative_attention_bias.weight");
        int n = u.length;
        double[][] mixed = new double[n][q[0].length];
        for (int head = 0; head < TinyT5.HEADS; head++) {
            int first = head * TinyT5.HEAD_WIDTH;
            for (int query = 0; query < n; query++) {
                double[] weights = new double[n];
                double sum = 0;
                for (int key = 0; key < n; key++) {
                    double score = bias[bucket(key - query)][head];
                    for (int c = first; c < first + TinyT5.HEAD_WIDTH; c++) {
                        score += q[query][c] * k[key][c];
                    }
                    weights[key] = Math.exp(score);
                    sum += weights[key];
                }
                for (int key = 0; key < n; key++) {
                    for (int c = first; c < first + TinyT5.HEAD_WIDTH; c++) {
                        mixed[query][c] += weights[key] / sum * v[key][c];
                    }
                }
            }
        }
        return product(mixed, prefix + "o.weight");
    }

    /**
     * The bucket of a relative position among 32 with a maximum distance of 128: beyond 8, two buckets per octave. In whole numbers, since
     * distance >= 8 * 2^(i/2) is the same as distance^2 >= 64 * 2^i.
     */
    static int bucket(int distance) {
        int length = Math.abs(distance);
        int bucket = Math.min(length, 8);
        if (length >= 8) {
            for (int i = 1; length < MAX_DISTANCE ? length * length >= 64 << i : i < 8; i++) {
                bucket = 8 + i;
            }
        }
        return bucket + (distance > 0 ? TinyT5.BUCKETS / 2 : 0);
    }

    private double[][] norm(double[][] x, String name) {
        return Matrices.rmsNorm(x, matrix(name), 0);
    }

    private double[][] product(double[][] x, String name) {
        return Matrices.product(x, matrix(name));
    }

    private double[][] matrix(String name) {
        return Matrices.of(model.tensors().get(name));
    }
}
