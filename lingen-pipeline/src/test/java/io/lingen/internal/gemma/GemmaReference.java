package io.lingen.internal.gemma;

import io.lingen.internal.text.Matrices;

/** The formulas of Gemma 2 in double precision, element by element. */
final class GemmaReference {
    private final TinyGemma model;

    GemmaReference(TinyGemma model) {
        this.model = model;
    }

    /** The hidden states [n][d] of token ids. */
    double[][] encode(long[] ids) {
        double[][] x = Matrices.rows(matrix("embed_tokens.weight"), ids);
        for (double[] row : x) {
            for (int j = 0; j < row.length; j++) {
                row[j] *= Math.sqrt(TinyGemma.WIDTH);
            }
        }
        for (int l = 0; l < TinyGemma.LAYERS; l++) {
            String layer = "layers." + l + ".";
            double[][] mixed = attention(norm(x, layer + "input_layernorm"), layer + "self_attn.", l % 2 == 0);
            Matrices.add(x, norm(mixed, layer + "post_attention_layernorm"));
            double[][] u = norm(x, layer + "pre_feedforward_layernorm");
            double[][] hidden = Matrices.gated(product(u, layer + "mlp.gate_proj"), product(u, layer + "mlp.up_proj"));
            Matrices.add(x, norm(product(hidden, layer + "mlp.down_proj"), layer + "post_feedforward_layernorm"));
        }
        return norm(x, "norm");
    }

    private double[][] attention(double[][] u, String prefix, boolean hasWindow) {
        double[][] q = product(u, prefix + "q_proj");
        double[][] k = product(u, prefix + "k_proj");
        double[][] v = product(u, prefix + "v_proj");
        rotate(q, TinyGemma.HEADS);
        rotate(k, TinyGemma.KEY_HEADS);
        int n = u.length;
        double[][] mixed = new double[n][TinyGemma.HEADS * TinyGemma.HEAD_WIDTH];
        for (int head = 0; head < TinyGemma.HEADS; head++) {
            int column = head * TinyGemma.HEAD_WIDTH;
            int keyColumn = head * TinyGemma.KEY_HEADS / TinyGemma.HEADS * TinyGemma.HEAD_WIDTH;
            for (int i = 0; i < n; i++) {
                double[] weights = new double[n];
                double sum = 0;
                for (int j = 0; j <= i; j++) {
                    if (!hasWindow || i - j < TinyGemma.WINDOW) {
                        double score = 0;
                        for (int c = 0; c < TinyGemma.HEAD_WIDTH; c++) {
                            score += q[i][column + c] * k[j][keyColumn + c];
                        }
                        score /= Math.sqrt(TinyGemma.SCORE_DIVISOR);
                        weights[j] = Math.exp(TinyGemma.SOFT_CAP * Math.tanh(score / TinyGemma.SOFT_CAP));
                        sum += weights[j];
                    }
                }
                for (int j = 0; j < n; j++) {
                    for (int c = 0; c < TinyGemma.HEAD_WIDTH; c++) {
                        mixed[i][column + c] += weights[j] / sum * v[j][keyColumn + c];
                    }
                }
            }
        }
        return product(mixed, prefix + "o_proj");
    }

    private static void rotate(double[][] x, int heads) {
        int half = TinyGemma.HEAD_WIDTH / 2;
        for (int position = 0; position < x.length; position++) {
            for (int head = 0; head < heads; head++) {
                for (int i = 0; i < half; i++) {
                    double angle = position * Math.pow(TinyGemma.ROTARY_BASE, -2.0 * i / TinyGemma.HEAD_WIDTH);
                    int first = head * TinyGemma.HEAD_WIDTH + i;
                    double a = x[position][first];
                    double b = x[position][first + half];
                    x[position][first] = a * Math.cos(angle) - b * Math.sin(angle);
                    x[position][first + half] = b * Math.cos(angle) + a * Math.sin(angle);
                }
            }
        }
    }

    private double[][] norm(double[][] x, String name) {
        return Matrices.rmsNorm(x, matrix(name + ".weight"), 1);
    }

    private double[][] product(double[][] x, String name) {
        return Matrices.product(x, matrix(name + ".weight"));
    }

    private double[][] matrix(String name) {
        return Matrices.of(model.tensor(name));
    }
}
