package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;

/**
 * The affine map of every channel between what the autoencoder emits and latents of mean 0 and deviation 1. A diagonal linear layer in
 * F32: as exact as a product and a sum, and no operation that a backend lacks. Thread-safe.
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

    /** x * std + mean. */
    static LatentNorm decoding(ModelWeights weights, AutoencoderConfig config) {
        float[] scale = new float[config.latentChannels()];
        float[] shift = new float[config.latentChannels()];
        for (int c = 0; c < scale.length; c++) {
            scale[c] = config.latentStd().get(c).floatValue();
            shift[c] = config.latentMean().get(c).floatValue();
        }
        return new LatentNorm(weights, scale, shift);
    }

    /** (x - mean) / std. */
    static LatentNorm encoding(ModelWeights weights, AutoencoderConfig config) {
        float[] scale = new float[config.latentChannels()];
        float[] shift = new float[config.latentChannels()];
        for (int c = 0; c < scale.length; c++) {
            scale[c] = (float) (1 / config.latentStd().get(c));
            shift[c] = (float) (-config.latentMean().get(c) / config.latentStd().get(c));
        }
        return new LatentNorm(weights, scale, shift);
    }

    /** [T, H, W, C] to [T, H, W, C]. */
    void apply(Tensor x, Tensor out) {
        diagonal.apply(x, Epilogue.NONE, out);
    }
}
