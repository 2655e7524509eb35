package io.lingen.wan.internal.transformer;

import io.lingen.core.HostTensor;
import java.util.Arrays;
import java.util.Map;

/** Wan's transformer as plain loops in double precision. Matrices are row-major. */
final class WanReference {
    private final WanTransformerConfig config;
    private final Map<String, HostTensor> weights;
    private final int d;

    WanReference(WanTransformerConfig config, Map<String, HostTensor> weights) {
        this.config = config;
        this.weights = weights;
        this.d = config.width();
    }

    /**
     * The velocity of a latent.
     *
     * @param latent [C, T, H, W]
     * @param text [L, text width], every row of weight 1
     */
    double[] predict(double[] latent, int[] shape, double time, double[] text) {
        double[] times = new double[shape[1] * (shape[2] / 2) * (shape[3] / 2)];
        Arrays.fill(times, time);
        return predict(latent, shape, times, text);
    }

    /** The velocity of a latent with a time for each token. */
    double[] predict(double[] latent, int[] shape, double[] times, double[] text) {
        int frames = shape[1];
        int rows = shape[2] / 2;
        int columns = shape[3] / 2;
        int n = frames * rows * columns;
        double[][] embedding = new double[n][];
        double[][] modulation = new double[n][];
        for (int token = 0; token < n; token++) {
            if (token > 0 && times[token] == times[token - 1]) {
                embedding[token] = embedding[token - 1];
                modulation[token] = modulation[token - 1];
                continue;
            }
            embedding[token] = linear(
                    silu(linear(sinusoid(times[token]), "condition_embedder.time_embedder.linear_1")),
                    "condition_embedder.time_embedder.linear_2");
            modulation[token] = linear(silu(embedding[token].clone()), "condition_embedder.time_proj");
        }
        double[] projected = linear(
                gelu(linear(text, "condition_embedder.text_embedder.linear_1")),
                "condition_embedder.text_embedder.linear_2");
        double[] x = linear(patches(latent, shape, n), "patch_embedding");
        for (int layer = 0; layer < config.layers(); layer++) {
            block(x, "blocks." + layer + ".", modulation, projected, new int[] {frames, rows, columns});
        }
        double[] table = values("scale_shift_table");
        double[] shift = new double[n * d];
        double[] scale = new double[n * d];
        for (int i = 0; i < n * d; i++) {
            shift[i] = table[i % d] + embedding[i / d][i % d];
            scale[i] = table[d + i % d] + embedding[i / d][i % d];
        }
        double[] out = linear(modulated(x, shift, scale), "proj_out"); // [N, (h, w, c)]
        double[] video = new double[latent.length];
        int channels = config.channels();
        for (int token = 0; token < n; token++) {
            for (int h = 0; h < 2; h++) {
                for (int w = 0; w < 2; w++) {
                    for (int c = 0; c < channels; c++) {
                        video[pixel(shape, c, token, h, w)] = out[token * 4 * channels + (h * 2 + w) * channels + c];
                    }
                }
            }
        }
        return video;
    }

    private void block(double[] x, String prefix, double[][] modulation, double[] text, int[] grid) {
        double[] table = values(prefix + "scale_shift_table");
        double[][] m = new double[6][x.length];
        for (int i = 0; i < 6; i++) {
            for (int j = 0; j < x.length; j++) {
                m[i][j] = table[i * d + j % d] + modulation[j / d][i * d + j % d];
            }
        }
        double[] u = modulated(x, m[0], m[1]);
        double[] q = rotate(rms(linear(u, prefix + "attn1.to_q"), prefix + "attn1.norm_q"), grid);
        double[] k = rotate(rms(linear(u, prefix + "attn1.to_k"), prefix + "attn1.norm_k"), grid);
        double[] v = linear(u, prefix + "attn1.to_v");
        double[] mixed = attention(q, k, v);
        if (weights.containsKey(prefix + "attn1.to_gate_compress.weight")) {
            double[] gate = linear(u, prefix + "attn1.to_gate_compress");
            double[] coarse = attention(tileMeans(q, grid), tileMeans(k, grid), tileMeans(v, grid));
            for (int i = 0; i < mixed.length; i++) {
                mixed[i] += gate[i] * coarse[tileOf(i / d, grid) * d + i % d];
            }
        }
        add(x, linear(mixed, prefix + "attn1.to_out.0"), m[2]);

        double[] weight = values(prefix + "norm2.weight");
        double[] bias = values(prefix + "norm2.bias");
        double[] scale = new double[x.length];
        double[] shift = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            scale[i] = weight[i % d] - 1;
            shift[i] = bias[i % d];
        }
        u = modulated(x, shift, scale);
        q = rms(linear(u, prefix + "attn2.to_q"), prefix + "attn2.norm_q");
        k = rms(linear(text, prefix + "attn2.to_k"), prefix + "attn2.norm_k");
        v = linear(text, prefix + "attn2.to_v");
        add(x, linear(attention(q, k, v), prefix + "attn2.to_out.0"), null);

        u = modulated(x, m[3], m[4]);
        add(x, linear(gelu(linear(u, prefix + "ffn.net.0.proj")), prefix + "ffn.net.2"), m[5]);
    }

    private double[] sinusoid(double time) {
        int half = config.timeWidth() / 2;
        double[] wave = new double[2 * half];
        for (int i = 0; i < half; i++) {
            double angle = time * Math.exp(-Math.log(10000) * i / half);
            wave[i] = Math.cos(angle);
            wave[half + i] = Math.sin(angle);
        }
        return wave;
    }

    private double[] patches(double[] latent, int[] shape, int n) {
        int width = 4 * config.channels();
        double[] patches = new double[n * width];
        for (int token = 0; token < n; token++) {
            for (int c = 0; c < config.channels(); c++) {
                for (int h = 0; h < 2; h++) {
                    for (int w = 0; w < 2; w++) {
                        patches[token * width + c * 4 + h * 2 + w] = latent[pixel(shape, c, token, h, w)];
                    }
                }
            }
        }
        return patches;
    }

    private static int pixel(int[] shape, int channel, int token, int h, int w) {
        int columns = shape[3] / 2;
        int rows = shape[2] / 2;
        int t = token / (rows * columns);
        int row = token / columns % rows * 2 + h;
        int column = token % columns * 2 + w;
        return ((channel * shape[1] + t) * shape[2] + row) * shape[3] + column;
    }

    private double[] rotate(double[] x, int[] grid) {
        int headDim = config.headDim();
        int third = 2 * (headDim / 6);
        int[] bands = {headDim - 2 * third, third, third};
        double[] out = x.clone();
        for (int token = 0; token < x.length / d; token++) {
            int[] position = {token / (grid[1] * grid[2]), token / grid[2] % grid[1], token % grid[2]};
            for (int head = 0; head < config.heads(); head++) {
                int at = token * d + head * headDim;
                for (int axis = 0; axis < 3; axis++) {
                    for (int i = 0; i < bands[axis] / 2; i++, at += 2) {
                        double angle = position[axis] * Math.pow(10000, -2.0 * i / bands[axis]);
                        out[at] = x[at] * Math.cos(angle) - x[at + 1] * Math.sin(angle);
                        out[at + 1] = x[at] * Math.sin(angle) + x[at + 1] * Math.cos(angle);
                    }
                }
            }
        }
        return out;
    }

    /** The tile of 4x4x4 tokens that a token is in. */
    private static int tileOf(int token, int[] grid) {
        int rows = (grid[1] + 3) / 4;
        int columns = (grid[2] + 3) / 4;
        int frame = token / (grid[1] * grid[2]) / 4;
        return (frame * rows + token / grid[2] % grid[1] / 4) * columns + token % grid[2] / 4;
    }

    private double[] tileMeans(double[] x, int[] grid) {
        int tokens = grid[0] * grid[1] * grid[2];
        int tiles = tileOf(tokens - 1, grid) + 1;
        double[] sums = new double[tiles * d];
        int[] counts = new int[tiles];
        for (int token = 0; token < tokens; token++) {
            int tile = tileOf(token, grid);
            counts[tile]++;
            for (int i = 0; i < d; i++) {
                sums[tile * d + i] += x[token * d + i];
            }
        }
        for (int i = 0; i < sums.length; i++) {
            sums[i] /= counts[i / d];
        }
        return sums;
    }

    private double[] attention(double[] q, double[] k, double[] v) {
        int headDim = config.headDim();
        int queries = q.length / d;
        int keys = k.length / d;
        double[] out = new double[q.length];
        double[] scores = new double[keys];
        for (int head = 0; head < config.heads(); head++) {
            int column = head * headDim;
            for (int i = 0; i < queries; i++) {
                double sum = 0;
                for (int j = 0; j < keys; j++) {
                    double dot = 0;
                    for (int c = column; c < column + headDim; c++) {
                        dot += q[i * d + c] * k[j * d + c];
                    }
                    scores[j] = Math.exp(dot / Math.sqrt(headDim));
                    sum += scores[j];
                }
                for (int j = 0; j < keys; j++) {
                    for (int c = column; c < column + headDim; c++) {
                        out[i * d + c] += scores[j] / sum * v[j * d + c];
                    }
                }
            }
        }
        return out;
    }

    private double[] modulated(double[] x, double[] shift, double[] scale) {
        double[] out = new double[x.length];
        for (int row = 0; row < x.length; row += d) {
            double mean = 0;
            for (int i = 0; i < d; i++) {
                mean += x[row + i] / d;
            }
            double variance = 0;
            for (int i = 0; i < d; i++) {
                variance += (x[row + i] - mean) * (x[row + i] - mean) / d;
            }
            for (int i = 0; i < d; i++) {
                out[row + i] = (x[row + i] - mean) / Math.sqrt(variance + config.epsilon()) * (1 + scale[row + i])
                        + shift[row + i];
            }
        }
        return out;
    }

    private double[] rms(double[] x, String norm) {
        double[] weight = values(norm + ".weight");
        double[] out = new double[x.length];
        for (int row = 0; row < x.length; row += d) {
            double square = 0;
            for (int i = 0; i < d; i++) {
                square += x[row + i] * x[row + i] / d;
            }
            for (int i = 0; i < d; i++) {
                out[row + i] = x[row + i] / Math.sqrt(square + config.epsilon()) * weight[i];
            }
        }
        return out;
    }

    private double[] linear(double[] x, String name) {
        double[] weight = values(name + ".weight");
        int out = (int) weights.get(name + ".weight").shape().length(0);
        double[] bias = weights.containsKey(name + ".bias") ? values(name + ".bias") : new double[out];
        int in = weight.length / out;
        double[] y = new double[x.length / in * out];
        for (int row = 0; row < x.length / in; row++) {
            for (int i = 0; i < out; i++) {
                double sum = bias[i];
                for (int j = 0; j < in; j++) {
                    sum += x[row * in + j] * weight[i * in + j];
                }
                y[row * out + i] = sum;
            }
        }
        return y;
    }

    private void add(double[] x, double[] y, double[] gate) {
        for (int i = 0; i < x.length; i++) {
            x[i] += gate == null ? y[i] : gate[i] * y[i];
        }
    }

    private static double[] silu(double[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] /= 1 + Math.exp(-x[i]);
        }
        return x;
    }

    private static double[] gelu(double[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] *= 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x[i] + 0.044715 * x[i] * x[i] * x[i])));
        }
        return x;
    }

    private double[] values(String name) {
        float[] floats = weights.get(name).toFloats();
        double[] values = new double[floats.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = floats[i];
        }
        return values;
    }
}
