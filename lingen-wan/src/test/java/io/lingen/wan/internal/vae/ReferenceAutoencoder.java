package io.lingen.wan.internal.vae;

import io.lingen.core.HostTensor;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** The formulas of the Wan autoencoder in double precision, applied to whole clips with plain loops. */
final class ReferenceAutoencoder {
    private final RandomAutoencoder model;

    /** The results of the decoder's layers, [C, T, H, W]. */
    final Map<String, Volume> taps = new TreeMap<>();

    ReferenceAutoencoder(RandomAutoencoder model) {
        this.model = model;
    }

    /** Decodes a normalized latent. */
    Volume decode(Volume latent) {
        Volume z = new Volume(latent.channels, latent.frames, latent.height, latent.width);
        int cells = z.values.length / z.channels;
        for (int i = 0; i < z.values.length; i++) {
            z.values[i] = latent.values[i] * model.std[i / cells] + model.mean[i / cells];
        }
        Volume x = tap("post_quant", convolution(z, "post_quant_conv", 1, 1));
        x = tap("conv_in", causal(x, "decoder.conv_in"));
        x = tap("mid.res.0", block(x, "decoder.mid_block.resnets.0"));
        x = tap("mid.attn", attention(x, "decoder.mid_block.attentions.0"));
        x = tap("mid", block(x, "decoder.mid_block.resnets.1"));
        int stages = model.multipliers.length;
        for (int i = 0; i < stages; i++) {
            String name = "decoder.up_blocks." + i;
            Volume start = x;
            for (int k = 0; k <= model.blocks; k++) {
                x = block(x, name + ".resnets." + k);
            }
            if (i < stages - 1) {
                String upsampler = name + (model.residual ? ".upsampler" : ".upsamplers.0");
                boolean time = model.halvesTime[stages - 2 - i];
                if (time) {
                    x = doubleTime(x, upsampler + ".time_conv");
                }
                x = convolution(padded(nearest(x), 1, 1, 1, 1), upsampler + ".resample.1", 1, 1);
                if (model.residual) {
                    x = x.plus(duplicate(start, x.channels, time ? 2 : 1));
                }
            }
            tap("up." + i, x);
        }
        x = tap("conv_out", causal(silu(norm(x, "decoder.norm_out")), "decoder.conv_out"));
        return pixels(x);
    }

    /** Encodes a video to means, followed by log variances: [2C, T, H, W]. */
    Volume encode(Volume video) {
        Volume x = causal(cells(video), "encoder.conv_in");
        int stages = model.multipliers.length;
        int layer = 0;
        for (int i = 0; i < stages; i++) {
            String name = "encoder.down_blocks.";
            Volume start = x;
            for (int k = 0; k < model.blocks; k++) {
                x = block(x, name + (model.residual ? i + ".resnets." + k : layer++));
            }
            boolean space = i < stages - 1;
            boolean time = space && model.halvesTime[i];
            if (space) {
                String downsampler = name + (model.residual ? i + ".downsampler" : layer++);
                x = convolution(padded(x, 0, 1, 0, 1), downsampler + ".resample.1", 1, 2);
                if (time) {
                    x = halveTime(x, downsampler + ".time_conv");
                }
            }
            if (model.residual) {
                x = x.plus(average(start, x.channels, time ? 2 : 1, space ? 2 : 1));
            }
        }
        x = block(x, "encoder.mid_block.resnets.0");
        x = attention(x, "encoder.mid_block.attentions.0");
        x = block(x, "encoder.mid_block.resnets.1");
        x = causal(silu(norm(x, "encoder.norm_out")), "encoder.conv_out");
        return convolution(x, "quant_conv", 1, 1);
    }

    private Volume tap(String name, Volume x) {
        taps.put(name, x);
        return x;
    }

    private double[] tensor(String name) {
        HostTensor tensor = model.tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        double[] values = new double[(int) tensor.shape().elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = tensor.get(i);
        }
        return values;
    }

    /** Computes a convolution without padding. */
    private Volume convolution(Volume x, String name, int strideT, int stride) {
        double[] weight = tensor(name + ".weight");
        double[] bias = tensor(name + ".bias");
        long[] shape = model.tensors.get(name + ".weight").shape().toArray();
        int rank = shape.length;
        int kt = rank == 5 ? (int) shape[2] : 1;
        int kh = (int) shape[rank - 2];
        int kw = (int) shape[rank - 1];
        Volume out = new Volume(
                (int) shape[0],
                (x.frames - kt) / strideT + 1,
                (x.height - kh) / stride + 1,
                (x.width - kw) / stride + 1);
        for (int o = 0; o < out.channels; o++) {
            Arrays.fill(
                    out.values,
                    out.index(o, 0, 0, 0),
                    out.index(o, out.frames - 1, out.height - 1, out.width - 1) + 1,
                    bias[o]);
            for (int i = 0; i < x.channels; i++) {
                for (int k = 0; k < kt * kh * kw; k++) {
                    double factor = weight[(o * x.channels + i) * kt * kh * kw + k];
                    add(x, i, k / (kh * kw), k / kw % kh, k % kw, factor, strideT, stride, out, o);
                }
            }
        }
        return out;
    }

    /** Adds one tap of a kernel. */
    private static void add(
            Volume x, int in, int dt, int dy, int dx, double factor, int strideT, int stride, Volume out, int o) {
        for (int t = 0; t < out.frames; t++) {
            for (int y = 0; y < out.height; y++) {
                int source = x.index(in, t * strideT + dt, y * stride + dy, dx);
                int target = out.index(o, t, y, 0);
                for (int column = 0; column < out.width; column++) {
                    out.values[target + column] += factor * x.values[source + column * stride];
                }
            }
        }
    }

    private static Volume padded(Volume x, int above, int below, int left, int right) {
        Volume out = new Volume(x.channels, x.frames, above + x.height + below, left + x.width + right);
        for (int c = 0; c < x.channels; c++) {
            for (int t = 0; t < x.frames; t++) {
                for (int y = 0; y < x.height; y++) {
                    System.arraycopy(
                            x.values, x.index(c, t, y, 0), out.values, out.index(c, t, above + y, left), x.width);
                }
            }
        }
        return out;
    }

    private Volume causal(Volume x, String name) {
        return convolution(padded(x.frames(-2, x.frames), 1, 1, 1, 1), name, 1, 1);
    }

    private Volume norm(Volume x, String name) {
        double[] gamma = tensor(name + ".gamma");
        Volume out = new Volume(x.channels, x.frames, x.height, x.width);
        int cells = x.values.length / x.channels;
        for (int i = 0; i < cells; i++) {
            double squares = 0;
            for (int c = 0; c < x.channels; c++) {
                squares += x.values[c * cells + i] * x.values[c * cells + i];
            }
            double scale = Math.sqrt(x.channels) / Math.max(Math.sqrt(squares), 1e-12);
            for (int c = 0; c < x.channels; c++) {
                out.values[c * cells + i] = x.values[c * cells + i] * scale * gamma[c];
            }
        }
        return out;
    }

    private static Volume silu(Volume x) {
        Volume out = new Volume(x.channels, x.frames, x.height, x.width);
        for (int i = 0; i < x.values.length; i++) {
            out.values[i] = x.values[i] / (1 + Math.exp(-x.values[i]));
        }
        return out;
    }

    private Volume block(Volume x, String name) {
        Volume y = causal(silu(norm(x, name + ".norm1")), name + ".conv1");
        y = causal(silu(norm(y, name + ".norm2")), name + ".conv2");
        boolean widens = model.tensors.containsKey(name + ".conv_shortcut.weight");
        return y.plus(widens ? convolution(x, name + ".conv_shortcut", 1, 1) : x);
    }

    private Volume attention(Volume x, String name) {
        int n = x.channels;
        int cells = x.height * x.width;
        Volume qkv = convolution(norm(x, name + ".norm"), name + ".to_qkv", 1, 1);
        Volume mixed = new Volume(n, x.frames, x.height, x.width);
        for (int t = 0; t < x.frames; t++) {
            for (int i = 0; i < cells; i++) {
                double[] weights = new double[cells];
                double sum = 0;
                for (int j = 0; j < cells; j++) {
                    double score = 0;
                    for (int c = 0; c < n; c++) {
                        score += qkv.values[qkv.index(c, t, 0, 0) + i] * qkv.values[qkv.index(n + c, t, 0, 0) + j];
                    }
                    weights[j] = Math.exp(score / Math.sqrt(n));
                    sum += weights[j];
                }
                for (int c = 0; c < n; c++) {
                    double value = 0;
                    for (int j = 0; j < cells; j++) {
                        value += weights[j] * qkv.values[qkv.index(2 * n + c, t, 0, 0) + j];
                    }
                    mixed.values[mixed.index(c, t, 0, 0) + i] = value / sum;
                }
            }
        }
        return x.plus(convolution(mixed, name + ".proj", 1, 1));
    }

    private static Volume nearest(Volume x) {
        Volume out = new Volume(x.channels, x.frames, 2 * x.height, 2 * x.width);
        for (int c = 0; c < out.channels; c++) {
            for (int t = 0; t < out.frames; t++) {
                for (int y = 0; y < out.height; y++) {
                    for (int column = 0; column < out.width; column++) {
                        out.set(c, t, y, column, x.get(c, t, y / 2, column / 2));
                    }
                }
            }
        }
        return out;
    }

    /** Keeps the first frame and makes two of each later one, which follow two frames of zeros. */
    private Volume doubleTime(Volume x, String name) {
        int n = x.channels;
        Volume out = new Volume(n, 2 * x.frames - 1, x.height, x.width);
        Volume later = x.frames(1, x.frames);
        Volume both = x.frames == 1 ? later : convolution(later.frames(-2, later.frames), name, 1, 1);
        int cells = x.height * x.width;
        for (int c = 0; c < n; c++) {
            System.arraycopy(x.values, x.index(c, 0, 0, 0), out.values, out.index(c, 0, 0, 0), cells);
            for (int t = 1; t < x.frames; t++) {
                for (int half = 0; half < 2; half++) {
                    System.arraycopy(
                            both.values,
                            both.index(half * n + c, t - 1, 0, 0),
                            out.values,
                            out.index(c, 2 * t - 1 + half, 0, 0),
                            cells);
                }
            }
        }
        return out;
    }

    /** Keeps the first frame and makes one of each later pair and the frame before it. */
    private Volume halveTime(Volume x, String name) {
        Volume out = new Volume(x.channels, (x.frames + 1) / 2, x.height, x.width);
        Volume later = x.frames > 1 ? convolution(x, name, 2, 1) : new Volume(x.channels, 0, x.height, x.width);
        int cells = x.height * x.width;
        for (int c = 0; c < x.channels; c++) {
            System.arraycopy(x.values, x.index(c, 0, 0, 0), out.values, out.index(c, 0, 0, 0), cells);
            for (int t = 1; t < out.frames; t++) {
                System.arraycopy(later.values, later.index(c, t - 1, 0, 0), out.values, out.index(c, t, 0, 0), cells);
            }
        }
        return out;
    }

    /** Repeats channels, reads them as (channel, t, h, w) and drops the frames before the first. */
    private static Volume duplicate(Volume x, int out, int time) {
        int block = time * 4;
        int repeats = out * block / x.channels;
        Volume all = new Volume(out, x.frames * time, 2 * x.height, 2 * x.width);
        for (int o = 0; o < out; o++) {
            for (int t = 0; t < all.frames; t++) {
                for (int y = 0; y < all.height; y++) {
                    for (int column = 0; column < all.width; column++) {
                        int within = (t % time * 2 + y % 2) * 2 + column % 2;
                        all.set(o, t, y, column, x.get((o * block + within) / repeats, t / time, y / 2, column / 2));
                    }
                }
            }
        }
        return all.frames(time - 1, all.frames);
    }

    /** Reads blocks as channels (channel, t, h, w) and averages groups of neighboring channels. */
    private static Volume average(Volume x, int out, int time, int space) {
        int block = time * space * space;
        int group = x.channels * block / out;
        int padding = (time - x.frames % time) % time;
        Volume all = x.frames(-padding, x.frames);
        Volume averages = new Volume(out, all.frames / time, x.height / space, x.width / space);
        for (int o = 0; o < out; o++) {
            for (int t = 0; t < averages.frames; t++) {
                for (int y = 0; y < averages.height; y++) {
                    for (int column = 0; column < averages.width; column++) {
                        double sum = 0;
                        for (int flat = o * group; flat < (o + 1) * group; flat++) {
                            int within = flat % block;
                            sum += all.get(
                                    flat / block,
                                    t * time + within / (space * space),
                                    y * space + within / space % space,
                                    column * space + within % space);
                        }
                        averages.set(o, t, y, column, sum / group);
                    }
                }
            }
        }
        return averages;
    }

    /** Channels are ordered by color, column and row of a pixel within its cell. */
    private Volume pixels(Volume cells) {
        int side = model.patch;
        Volume video = new Volume(3, cells.frames, cells.height * side, cells.width * side);
        for (int c = 0; c < 3; c++) {
            for (int t = 0; t < video.frames; t++) {
                for (int y = 0; y < video.height; y++) {
                    for (int x = 0; x < video.width; x++) {
                        int channel = (c * side + x % side) * side + y % side;
                        video.set(c, t, y, x, cells.get(channel, t, y / side, x / side));
                    }
                }
            }
        }
        return video;
    }

    private Volume cells(Volume video) {
        int side = model.patch;
        Volume cells = new Volume(3 * side * side, video.frames, video.height / side, video.width / side);
        for (int c = 0; c < 3; c++) {
            for (int t = 0; t < video.frames; t++) {
                for (int y = 0; y < video.height; y++) {
                    for (int x = 0; x < video.width; x++) {
                        int channel = (c * side + x % side) * side + y % side;
                        cells.set(channel, t, y / side, x / side, video.get(c, t, y, x));
                    }
                }
            }
        }
        return cells;
    }
}
