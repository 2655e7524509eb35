package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;

/**
 * The affine map per channel between the autoencoder's latents and latents of mean 0 and standard deviation 1. It is a linear layer with a
 * diagonal matrix in F32. This is as exact as a multiply-add and needs no extra backend operation. Thread-safe.
 */
final class LatentNorm {
    private final Linear diagonal; // C -> C

    private LatentNorm(ModelWeights weights, float[] scale, float[] shift) {
        int n = scale.length;
        float[] matrix = new float[n * n];
        for (int c = 0; c < n; c++) {
            matrix[c * n + c] = scale[c];
        }
        this.diagonal = weights.withPrecision(DType.F32).linear(HostTensor.of(matrix, n, n), HostTensor.of(shift, n));
    }

    /** {@return the map x * std + mean} */
    static LatentNorm decoding(ModelWeights weights, AutoencoderConfig config) {
        float[] scale = new float[config.latentChannels()];
        float[] shift = new float[config.latentChannels()];
        for (int c = 0; c < scale.length; c++) {
            scale[c] = config.latentStd().get(c).floatValue();
            shift[c] = config.latentMean().get(c).floatValue();
        }
        return new LatentNorm(weights, scale, shift);
    }

    /** {@return the map (x - mean) / std} */
    static LatentNorm encoding(ModelWeights weights, AutoencoderConfig config) {
        float[] scale = new float[config.latentChannels()];
        float[] shift = new float[config.latentChannels()];
        for (int c = 0; c < scale.length; c++) {
            scale[c] = (float) (1 / config.latentStd().get(c));
            shift[c] = (float) (-config.latentMean().get(c) / config.latentStd().get(c));
        }
        return new LatentNorm(weights, scale, shift);
    }

    /** Maps [T, H, W, C] to [T, H, W, C]. */
    void apply(Tensor x, Tensor out) {
        diagonal.apply(x, Epilogue.NONE, out);
    }
}
