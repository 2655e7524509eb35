package io.lingen.sana.internal.transformer;

import io.lingen.core.HostTensor;
import io.lingen.wan.internal.transformer.FlowReference;
import java.util.Map;

/** SANA-Video's transformer as plain loops in double precision. */
final class SanaReference extends FlowReference {
    private static final Names NAMES = new Names(
            "time_embed.emb.timestep_embedder.", "time_embed.linear", "caption_projection.", "transformer_blocks.");
    private static final double RMS_EPSILON = 1e-5;

    private final SanaTransformerConfig config;

    SanaReference(SanaTransformerConfig config, Map<String, HostTensor> weights) {
        super(weights, NAMES, config.width(), config.epsilon());
        this.config = config;
    }

    @Override
    protected double[] afterProjection(double[] text) {
        return rms(text, "caption_norm", RMS_EPSILON);
    }

    @Override
    protected void block(double[] x, String prefix, double[][] m, double[] text, int[] grid) {
        double[] u = modulated(x, m[0], m[1]);
        double[] q = relu(rms(linear(u, prefix + "attn1.to_q"), prefix + "attn1.norm_q", RMS_EPSILON));
        double[] k = relu(rms(linear(u, prefix + "attn1.to_k"), prefix + "attn1.norm_k", RMS_EPSILON));
        double[] v = linear(u, prefix + "attn1.to_v");
        add(x, linear(linearAttention(q, k, v, grid), prefix + "attn1.to_out.0"), m[2]);

        q = rms(linear(x, prefix + "attn2.to_q"), prefix + "attn2.norm_q", RMS_EPSILON);
        k = rms(linear(text, prefix + "attn2.to_k"), prefix + "attn2.norm_k", RMS_EPSILON);
        v = linear(text, prefix + "attn2.to_v");
        double[] mixed = attention(q, k, v, config.crossHeads(), config.crossHeadDim());
        add(x, linear(mixed, prefix + "attn2.to_out.0"), null);

        add(x, feedForward(modulated(x, m[3], m[4]), prefix + "ff.", grid), m[5]);
    }

    private double[] linearAttention(double[] q, double[] k, double[] v, int[] grid) {
        int headDim = config.headDim();
        double[] turnedQ = rotate(q, config.heads(), grid);
        double[] turnedK = rotate(k, config.heads(), grid);
        double[] out = new double[q.length];
        int n = q.length / d;
        for (int head = 0; head < config.heads(); head++) {
            for (int i = 0; i < n; i++) {
                int at = i * d + head * headDim;
                double sum = 1e-15;
                for (int j = 0; j < n; j++) {
                    int from = j * d + head * headDim;
                    double weight = 0;
                    for (int c = 0; c < headDim; c++) {
                        sum += q[at + c] * k[from + c];
                        weight += turnedQ[at + c] * turnedK[from + c];
                    }
                    for (int c = 0; c < headDim; c++) {
                        out[at + c] += weight * v[from + c];
                    }
                }
                for (int c = 0; c < headDim; c++) {
                    out[at + c] /= sum;
                }
            }
        }
        return out;
    }

    private double[] feedForward(double[] u, String prefix, int[] grid) {
        int m = config.ffnSize();
        int n = u.length / d;
        double[] hidden = silu(linear(u, prefix + "conv_inverted")); // [n, 2M]
        double[] kernel = values(prefix + "conv_depth.weight"); // [2M, 3, 3]
        double[] bias = values(prefix + "conv_depth.bias");
        double[] mixed = new double[n * 2 * m];
        for (int i = 0; i < n; i++) {
            int t = i / (grid[1] * grid[2]);
            int row = i / grid[2] % grid[1];
            int column = i % grid[2];
            for (int c = 0; c < 2 * m; c++) {
                double sum = bias[c];
                for (int dh = -1; dh <= 1; dh++) {
                    for (int dw = -1; dw <= 1; dw++) {
                        boolean inside =
                                row + dh >= 0 && row + dh < grid[1] && column + dw >= 0 && column + dw < grid[2];
                        int from = (t * grid[1] + row + dh) * grid[2] + column + dw;
                        sum += inside ? kernel[c * 9 + (dh + 1) * 3 + dw + 1] * hidden[from * 2 * m + c] : 0;
                    }
                }
                mixed[i * 2 * m + c] = sum;
            }
        }
        double[] gated = new double[n * m];
        for (int i = 0; i < n; i++) {
            for (int c = 0; c < m; c++) {
                double gate = mixed[i * 2 * m + m + c];
                gated[i * m + c] = mixed[i * 2 * m + c] * gate / (1 + Math.exp(-gate));
            }
        }
        double[] y = linear(gated, prefix + "conv_point"); // [n, D]
        double[] temporal = values(prefix + "conv_temp.weight"); // [D, D, 3]
        double[] out = y.clone();
        int frame = grid[1] * grid[2];
        for (int i = 0; i < n; i++) {
            for (int tap = 0; tap < 3; tap++) {
                int from = i + (tap - 1) * frame;
                for (int o = 0; from >= 0 && from < n && o < d; o++) {
                    for (int c = 0; c < d; c++) {
                        out[i * d + o] += temporal[(o * d + c) * 3 + tap] * y[from * d + c];
                    }
                }
            }
        }
        return out;
    }

    private static double[] relu(double[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] = Math.max(0, x[i]);
        }
        return x;
    }
}
