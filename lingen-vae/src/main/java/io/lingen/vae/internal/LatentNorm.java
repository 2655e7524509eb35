package io.lingen.vae.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import java.util.List;

/**
 * The affine map per channel between the autoencoder's latents and latents of mean 0 and standard deviation 1. It is a linear layer with a
 * diagonal matrix in F32. This is as exact as a multiply-add and needs no extra backend operation. Thread-safe.
 */
public final class LatentNorm {
    private final Linear diagonal; // C -> C

    private LatentNorm(ModelWeights weights, float[] scale, float[] shift) {
        int n = scale.length;
        float[] matrix = new float[n * n];
        for (int c = 0; c < n; c++) {
            matrix[c * n + c] = scale[c];
        }
        this.diagonal = weights.withPrecision(DType.F32).linear(HostTensor.of(matrix, n, n), HostTensor.of(shift, n));
    }

    /**
     * {@return the map x * std + mean}
     *
     * @param weights packs the map
     * @param mean of each channel
     * @param std of each channel
     */
    public static LatentNorm decoding(ModelWeights weights, List<Double> mean, List<Double> std) {
        float[] scale = new float[std.size()];
        float[] shift = new float[std.size()];
        for (int c = 0; c < scale.length; c++) {
            scale[c] = std.get(c).floatValue();
            shift[c] = mean.get(c).floatValue();
        }
        return new LatentNorm(weights, scale, shift);
    }

    /**
     * {@return the map (x - mean) / std}
     *
     * @param weights packs the map
     * @param mean of each channel
     * @param std of each channel
     */
    public static LatentNorm encoding(ModelWeights weights, List<Double> mean, List<Double> std) {
        float[] scale = new float[std.size()];
        float[] shift = new float[std.size()];
        for (int c = 0; c < scale.length; c++) {
            scale[c] = (float) (1 / std.get(c));
            shift[c] = (float) (-mean.get(c) / std.get(c));
        }
        return new LatentNorm(weights, scale, shift);
    }

    /**
     * Scales and shifts each channel.
     *
     * @param x [.., C] in F32
     * @param out [.., C] in F32
     */
    public void apply(Tensor x, Tensor out) {
        diagonal.apply(x, Epilogue.NONE, out);
    }
}
