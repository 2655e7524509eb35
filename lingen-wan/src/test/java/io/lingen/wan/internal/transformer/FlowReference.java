package io.lingen.wan.internal.transformer;

import io.lingen.core.HostTensor;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A flow transformer as plain loops in double precision. Matrices are row-major. */
public abstract class FlowReference {
    private final Map<String, HostTensor> weights;
    private final Names names;
    protected final int d;
    private final double epsilon;

    /** The modules whose names differ between models. */
    public record Names(String time, String modulation, String text, String blocks) {}

    /**
     * @param d the width D
     * @param epsilon of layer norms
     */
    protected FlowReference(Map<String, HostTensor> weights, Names names, int d, double epsilon) {
        this.weights = weights;
        this.names = names;
        this.d = d;
        this.epsilon = epsilon;
    }

    /**
     * Updates x [N, D] by a block.
     *
     * @param modulation shift, scale and gate of the attention, then of the feed-forward network, [N, D] each
     */
    protected abstract void block(double[] x, String prefix, double[][] modulation, double[] text, int[] grid);

    /** Projects text rows after the two layers. */
    protected double[] afterProjection(double[] text) {
        return text;
    }

    /**
     * The velocity of a latent.
     *
     * @param latent [C, T, H, W]
     * @param text [L, text width], every row of weight 1
     */
    public final double[] predict(double[] latent, int[] shape, double time, double[] text) {
        double[] times = new double[shape[1] * (shape[2] / 2) * (shape[3] / 2)];
        Arrays.fill(times, time);
        return predict(latent, shape, times, text);
    }

    /** The velocity of a latent with a time for each token. */
    public final double[] predict(double[] latent, int[] shape, double[] times, double[] text) {
        int[] grid = {shape[1], shape[2] / 2, shape[3] / 2};
        int n = times.length;
        double[][] embedding = new double[n][];
        double[][] modulation = new double[n][];
        for (int token = 0; token < n; token++) {
            if (token > 0 && times[token] == times[token - 1]) {
                embedding[token] = embedding[token - 1];
                modulation[token] = modulation[token - 1];
                continue;
            }
            double[] hidden = silu(linear(sinusoid(times[token]), names.time + "linear_1"));
            embedding[token] = linear(hidden, names.time + "linear_2");
            modulation[token] = linear(silu(embedding[token].clone()), names.modulation);
        }
        double[] projected =
                afterProjection(linear(gelu(linear(text, names.text + "linear_1")), names.text + "linear_2"));
        double[] x = linear(patches(latent, shape, n), "patch_embedding");
        for (int layer = 0; weights.containsKey(names.blocks + layer + ".scale_shift_table"); layer++) {
            String prefix = names.blocks + layer + ".";
            double[] table = values(prefix + "scale_shift_table");
            double[][] m = new double[6][n * d];
            for (int i = 0; i < 6; i++) {
                for (int j = 0; j < n * d; j++) {
                    m[i][j] = table[i * d + j % d] + modulation[j / d][i * d + j % d];
                }
            }
            block(x, prefix, m, projected, grid);
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
        int channels = shape[0];
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

    /** The angles are those of the models, which compute them in F32. */
    private double[] sinusoid(double time) {
        int half = values(names.time + "linear_1.weight").length / d / 2;
        double[] wave = new double[2 * half];
        for (int i = 0; i < half; i++) {
            float exponent = (float) -Math.log(10000) * i / half;
            float angle = (float) time * (float) Math.exp(exponent);
            wave[i] = Math.cos(angle);
            wave[half + i] = Math.sin(angle);
        }
        return wave;
    }

    private static double[] patches(double[] latent, int[] shape, int n) {
        int width = 4 * shape[0];
        double[] patches = new double[n * width];
        for (int token = 0; token < n; token++) {
            for (int c = 0; c < shape[0]; c++) {
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

    /** The rotation of all heads, which fill the width. */
    protected final double[] rotate(double[] x, int heads, int[] grid) {
        int headDim = d / heads;
        int third = 2 * (headDim / 6);
        int[] bands = {headDim - 2 * third, third, third};
        double[] out = x.clone();
        for (int token = 0; token < x.length / d; token++) {
            int[] position = {token / (grid[1] * grid[2]), token / grid[2] % grid[1], token % grid[2]};
            for (int head = 0; head < heads; head++) {
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

    /** Softmax attention of heads that fill the width. */
    protected static double[] attention(double[] q, double[] k, double[] v, int heads, int headDim) {
        int width = heads * headDim;
        int queries = q.length / width;
        int keys = k.length / width;
        double[] out = new double[q.length];
        double[] scores = new double[keys];
        for (int head = 0; head < heads; head++) {
            int column = head * headDim;
            for (int i = 0; i < queries; i++) {
                double sum = 0;
                for (int j = 0; j < keys; j++) {
                    double dot = 0;
                    for (int c = column; c < column + headDim; c++) {
                        dot += q[i * width + c] * k[j * width + c];
                    }
                    scores[j] = Math.exp(dot / Math.sqrt(headDim));
                    sum += scores[j];
                }
                for (int j = 0; j < keys; j++) {
                    for (int c = column; c < column + headDim; c++) {
                        out[i * width + c] += scores[j] / sum * v[j * width + c];
                    }
                }
            }
        }
        return out;
    }

    /** The modulated layer norm, with a shift and scale [N, D]. */
    protected final double[] modulated(double[] x, double[] shift, double[] scale) {
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
                out[row + i] =
                        (x[row + i] - mean) / Math.sqrt(variance + epsilon) * (1 + scale[row + i]) + shift[row + i];
            }
        }
        return out;
    }

    /** The RMS norm of rows as wide as the norm's weight. */
    protected final double[] rms(double[] x, String norm, double addend) {
        double[] weight = values(norm + ".weight");
        int width = weight.length;
        double[] out = new double[x.length];
        for (int row = 0; row < x.length; row += width) {
            double square = 0;
            for (int i = 0; i < width; i++) {
                square += x[row + i] * x[row + i] / width;
            }
            for (int i = 0; i < width; i++) {
                out[row + i] = x[row + i] / Math.sqrt(square + addend) * weight[i];
            }
        }
        return out;
    }

    /** A linear layer with a bias, if there is one. */
    protected final double[] linear(double[] x, String name) {
        HostTensor matrix = weights.get(name + ".weight");
        double[] weight = values(name + ".weight");
        double[] bias = weights.containsKey(name + ".bias") ? values(name + ".bias") : null;
        return linear(x, weight, bias, Math.toIntExact(matrix.shape().length(0)));
    }

    protected static double[] linear(double[] x, double[] weight, double @Nullable [] bias, int out) {
        int in = weight.length / out;
        double[] y = new double[x.length / in * out];
        for (int row = 0; row < x.length / in; row++) {
            for (int i = 0; i < out; i++) {
                double sum = bias == null ? 0 : bias[i];
                for (int j = 0; j < in; j++) {
                    sum += x[row * in + j] * weight[i * in + j];
                }
                y[row * out + i] = sum;
            }
        }
        return y;
    }

    /** Computes x += gate * y, with a gate [N, D]; without a gate, x += y. */
    protected final void add(double[] x, double[] y, double @Nullable [] gate) {
        for (int i = 0; i < x.length; i++) {
            x[i] += gate == null ? y[i] : gate[i] * y[i];
        }
    }

    protected static double[] silu(double[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] /= 1 + Math.exp(-x[i]);
        }
        return x;
    }

    protected static double[] gelu(double[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] *= 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x[i] + 0.044715 * x[i] * x[i] * x[i])));
        }
        return x;
    }

    protected final boolean has(String name) {
        return weights.containsKey(name);
    }

    protected final double[] values(String name) {
        return doubles(weights.get(name));
    }

    /** The elements of a tensor. */
    public static double[] doubles(HostTensor tensor) {
        float[] floats = tensor.toFloats();
        double[] values = new double[floats.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = floats[i];
        }
        return values;
    }

    /** The L2 norm of the difference, divided by that of the expected values. */
    public static double error(double[] expected, HostTensor found) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(found.get(i) - expected[i], 2);
            norm += expected[i] * expected[i];
        }
        return Math.sqrt(difference / norm);
    }
}
