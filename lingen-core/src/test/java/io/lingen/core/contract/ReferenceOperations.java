package io.lingen.core.contract;

import io.lingen.core.Shape;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;

/** A reference of the operations of a backend: loops in double precision. */
final class ReferenceOperations {
    private ReferenceOperations() {}

    static double[] linear(double[] x, double[] weight, double[] bias) {
        int out = bias.length;
        int in = weight.length / out;
        double[] y = new double[x.length / in * out];
        for (int row = 0; row < x.length / in; row++) {
            for (int o = 0; o < out; o++) {
                double sum = bias[o];
                for (int i = 0; i < in; i++) {
                    sum += x[row * in + i] * weight[o * in + i];
                }
                y[row * out + o] = sum;
            }
        }
        return y;
    }

    /** Applies an epilogue to y, given the previous output and the gate, if any. */
    static double[] epilogue(Epilogue.Kind kind, double[] y, double[] before, double[] gate) {
        double[] out = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            out[i] = switch (kind) {
                case NONE -> y[i];
                case GELU ->
                    0.5 * y[i] * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (y[i] + 0.044715 * Math.pow(y[i], 3))));
                case SILU -> ReferenceScan.silu(y[i]);
                case ADD -> before[i] + y[i];
                case GATED_ADD -> before[i] + gate[i % gate.length] * y[i];
            };
        }
        return out;
    }

    static double[] modulatedLayerNorm(double[] x, double[] shift, double[] scale, double epsilon) {
        int d = shift.length;
        double[] out = new double[x.length];
        for (int row = 0; row < x.length / d; row++) {
            double mean = 0;
            for (int i = 0; i < d; i++) {
                mean += x[row * d + i] / d;
            }
            double variance = 0;
            for (int i = 0; i < d; i++) {
                variance += (x[row * d + i] - mean) * (x[row * d + i] - mean) / d;
            }
            for (int i = 0; i < d; i++) {
                out[row * d + i] = (x[row * d + i] - mean) / Math.sqrt(variance + epsilon) * (1 + scale[i]) + shift[i];
            }
        }
        return out;
    }

    static double[] gatedRmsNorm(double[] y, double[] z, double[] weight, double epsilon) {
        double[] gated = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            gated[i] = y[i] * ReferenceScan.silu(z[i]);
        }
        return rmsNorm(gated, weight, epsilon);
    }

    /** Computes the RMS norm of each group of weight.length consecutive elements. */
    static double[] rmsNorm(double[] x, double[] weight, double epsilon) {
        int d = weight.length;
        double[] out = new double[x.length];
        for (int row = 0; row < x.length / d; row++) {
            double square = 0;
            for (int i = 0; i < d; i++) {
                square += x[row * d + i] * x[row * d + i] / d;
            }
            for (int i = 0; i < d; i++) {
                out[row * d + i] = x[row * d + i] / Math.sqrt(square + epsilon) * weight[i];
            }
        }
        return out;
    }

    /** Computes the group norm of x [T, H, W, C], with statistics per frame and group. */
    static double[] groupNorm(
            double[] x, int frames, int groups, double[] weight, double[] bias, double epsilon, boolean silu) {
        int channels = weight.length;
        int cells = x.length / frames / channels;
        int width = channels / groups;
        double[] out = new double[x.length];
        for (int t = 0; t < frames; t++) {
            for (int group = 0; group < groups; group++) {
                double mean = 0;
                double variance = 0;
                int count = cells * width;
                for (int i = 0; i < count; i++) {
                    mean += x[(t * cells + i / width) * channels + group * width + i % width] / count;
                }
                for (int i = 0; i < count; i++) {
                    double centred = x[(t * cells + i / width) * channels + group * width + i % width] - mean;
                    variance += centred * centred / count;
                }
                for (int i = 0; i < count; i++) {
                    int channel = group * width + i % width;
                    int at = (t * cells + i / width) * channels + channel;
                    double y = (x[at] - mean) / Math.sqrt(variance + epsilon) * weight[channel] + bias[channel];
                    out[at] = silu ? ReferenceScan.silu(y) : y;
                }
            }
        }
        return out;
    }

    static double[] patchify(double[] video, Shape shape, PatchSize patch) {
        double[] tokens = new double[video.length];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = video[videoIndex(i, shape, patch)];
        }
        return tokens;
    }

    static double[] unpatchify(double[] tokens, Shape shape, PatchSize patch) {
        double[] video = new double[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
            video[videoIndex(i, shape, patch)] = tokens[i];
        }
        return video;
    }

    /** Returns the index in the video [C, T, H, W] of element i of the tokens. */
    private static int videoIndex(int i, Shape video, PatchSize patch) {
        Grid grid = patch.gridOf(video);
        int width = (int) video.length(0) * patch.cells();
        int token = i / width;
        int inPatch = i % width;
        int w = token % grid.w() * patch.w() + inPatch % patch.w();
        int h = token / grid.w() % grid.h() * patch.h() + inPatch / patch.w() % patch.h();
        int t = token / grid.w() / grid.h() * patch.t() + inPatch / patch.w() / patch.h() % patch.t();
        int channel = inPatch / patch.cells();
        return (int) (((channel * video.length(1) + t) * video.length(2) + h) * video.length(3) + w);
    }

    static double[] addPosition(double[] x, double[] tableT, double[] tableH, double[] tableW, Grid grid, int d) {
        double[] out = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            int cell = i / d;
            int w = cell % grid.w();
            int h = cell / grid.w() % grid.h();
            int t = cell / grid.w() / grid.h();
            out[i] = x[i] + tableT[t * d + i % d] + tableH[h * d + i % d] + tableW[w * d + i % d];
        }
        return out;
    }

    /**
     * Rotates heads by the positions of their tokens.
     *
     * @param matrix [grid cells, columns], whose heads begin at {@code column}
     * @param tables rows of cos, sin, cos, sin, ... for t, h and w
     * @param bands the widths of the tables
     */
    static double[] rotate(
            double[] matrix, int columns, int column, int heads, double[][] tables, int[] bands, Grid grid) {
        double[] out = matrix.clone();
        for (int token = 0; token < grid.cells(); token++) {
            int at = token * columns + column;
            for (int head = 0; head < heads; head++) {
                for (int axis = 0; axis < 3; axis++) {
                    int position = (int) (token / grid.stride(axis) % grid.length(axis));
                    for (int i = 0; i < bands[axis]; i += 2) {
                        double cos = tables[axis][position * bands[axis] + i];
                        double sin = tables[axis][position * bands[axis] + i + 1];
                        out[at] = matrix[at] * cos - matrix[at + 1] * sin;
                        out[at + 1] = matrix[at] * sin + matrix[at + 1] * cos;
                        at += 2;
                    }
                }
            }
        }
        return out;
    }

    /**
     * Computes a depthwise convolution of SiLU(x) over 3 x 3 cells of each frame, and its gate.
     *
     * @param x [grid cells, 2 channels]
     * @param weight [2 channels, 3, 3]
     * @param bias [2 channels]
     */
    static double[] gatedDepthwiseConvolution(double[] x, Grid grid, double[] weight, double[] bias) {
        int channels = bias.length / 2;
        double[] out = new double[(int) grid.cells() * channels];
        for (int cell = 0; cell < grid.cells(); cell++) {
            int h = cell / grid.w() % grid.h();
            int w = cell % grid.w();
            double[] y = bias.clone();
            for (int dh = -1; dh <= 1; dh++) {
                for (int dw = -1; dw <= 1; dw++) {
                    if (h + dh < 0 || h + dh >= grid.h() || w + dw < 0 || w + dw >= grid.w()) {
                        continue;
                    }
                    int neighbour = cell + dh * grid.w() + dw;
                    int tap = (dh + 1) * 3 + dw + 1;
                    for (int c = 0; c < 2 * channels; c++) {
                        y[c] += weight[c * 9 + tap] * ReferenceScan.silu(x[neighbour * 2 * channels + c]);
                    }
                }
            }
            for (int c = 0; c < channels; c++) {
                out[cell * channels + c] = y[c] * ReferenceScan.silu(y[channels + c]);
            }
        }
        return out;
    }

    static double[] averagePool(double[] x, Grid grid, Dims3 kernel, int d) {
        Grid pooled = grid.dividedBy(kernel);
        double[] out = new double[(int) pooled.cells() * d];
        for (int i = 0; i < out.length; i++) {
            int cell = i / d;
            int t = cell / pooled.w() / pooled.h() * kernel.t();
            int h = cell / pooled.w() % pooled.h() * kernel.h();
            int w = cell % pooled.w() * kernel.w();
            double sum = 0;
            int count = 0;
            for (int a = t; a < Math.min(grid.t(), t + kernel.t()); a++) {
                for (int b = h; b < Math.min(grid.h(), h + kernel.h()); b++) {
                    for (int c = w; c < Math.min(grid.w(), w + kernel.w()); c++) {
                        sum += x[((a * grid.h() + b) * grid.w() + c) * d + i % d];
                        count++;
                    }
                }
            }
            out[i] = sum / count;
        }
        return out;
    }

    /** Computes the convolution of x [T, H, W, C] with a weight [O, C, kt, kh, kw]. */
    static double[] convolution(double[] x, Shape shape, double[] weight, double[] bias, ConvolutionParameters source) {
        Shape out = source.outputOf(shape);
        double[] y = new double[(int) out.elements()];
        Dims3 kernel = source.kernel();
        Dims3 stride = source.stride();
        int taps = (int) kernel.volume();
        int in = (int) source.inChannels();
        int at = 0;
        for (int t = 0; t < out.length(0); t++) {
            for (int h = 0; h < out.length(1); h++) {
                for (int w = 0; w < out.length(2); w++) {
                    for (int o = 0; o < out.length(3); o++) {
                        double sum = bias[o];
                        for (int k = 0; k < taps; k++) {
                            long ft = t * stride.t()
                                    + k / kernel.w() / kernel.h()
                                    - source.padding().beforeT();
                            long fh = h * stride.h()
                                    + k / kernel.w() % kernel.h()
                                    - source.padding().beforeH();
                            long fw = w * stride.w()
                                    + k % kernel.w()
                                    - source.padding().beforeW();
                            if (ft < 0
                                    || fh < 0
                                    || fw < 0
                                    || ft >= shape.length(0)
                                    || fh >= shape.length(1)
                                    || fw >= shape.length(2)) {
                                continue;
                            }
                            int from = (int) ((ft * shape.length(1) + fh) * shape.length(2) + fw) * in;
                            for (int i = 0; i < in; i++) {
                                sum += x[from + i] * weight[(o * in + i) * taps + k];
                            }
                        }
                        y[at++] = sum;
                    }
                }
            }
        }
        return y;
    }

    static double[] upsampleNearest(double[] x, Shape shape, Dims3 factor, Shape outShape) {
        long h = outShape.length(1);
        long w = outShape.length(2);
        long c = shape.length(3);
        double[] out = new double[(int) outShape.elements()];
        for (int i = 0; i < out.length; i++) {
            long cell = i / c;
            long row = cell / w % h / factor.h();
            long frame = cell / w / h / factor.t();
            out[i] = x[(int) (((frame * shape.length(1) + row) * shape.length(2) + cell % w / factor.w()) * c + i % c)];
        }
        return out;
    }
}
