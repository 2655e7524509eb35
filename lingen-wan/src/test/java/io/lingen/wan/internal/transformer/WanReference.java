package io.lingen.wan.internal.transformer;

import io.lingen.core.HostTensor;
import java.util.Map;

/** Wan's transformer as plain loops in double precision. */
final class WanReference extends FlowReference {
    private static final Names NAMES = new Names(
            "condition_embedder.time_embedder.",
            "condition_embedder.time_proj",
            "condition_embedder.text_embedder.",
            "blocks.");

    private final WanTransformerConfig config;

    WanReference(WanTransformerConfig config, Map<String, HostTensor> weights) {
        super(weights, NAMES, config.width(), config.epsilon());
        this.config = config;
    }

    @Override
    protected void block(double[] x, String prefix, double[][] m, double[] text, int[] grid) {
        double[] u = modulated(x, m[0], m[1]);
        double[] q = rotate(rms(linear(u, prefix + "attn1.to_q"), prefix + "attn1.norm_q"), config.heads(), grid);
        double[] k = rotate(rms(linear(u, prefix + "attn1.to_k"), prefix + "attn1.norm_k"), config.heads(), grid);
        double[] v = linear(u, prefix + "attn1.to_v");
        double[] mixed = attention(q, k, v);
        if (has(prefix + "attn1.to_gate_compress.weight")) {
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
        return attention(q, k, v, config.heads(), config.headDim());
    }

    private double[] rms(double[] x, String norm) {
        return rms(x, norm, config.epsilon());
    }
}
