package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.LinearWeights;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Epilogue;

/**
 * The affine map of every channel between what the autoencoder emits and latents of mean 0 and deviation 1. A diagonal linear layer in
 * F32: as exact as a product and a sum, and no operation that a backend lacks. Thread-safe.
 */
final class LatentNorm {
    private final LinearWeights diagonal;

    private LatentNorm(LinearWeights diagonal) {
        this.diagonal = diagonal;
    }

    /** x * std + mean. */
    static LatentNorm decoding(AutoencoderConfig config, Backend backend, Workspace workspace) {
        float[] scale = new float[config.latentChannels()];
        float[] shift = new float[config.latentChannels()];
        for (int c = 0; c < scale.length; c++) {
            scale[c] = config.latentStd().get(c).floatValue();
            shift[c] = config.latentMean().get(c).floatValue();
        }
        return of(scale, shift, backend, workspace);
    }

    /** (x - mean) / std. */
    static LatentNorm encoding(AutoencoderConfig config, Backend backend, Workspace workspace) {
        float[] scale = new float[config.latentChannels()];
        float[] shift = new float[config.latentChannels()];
        for (int c = 0; c < scale.length; c++) {
            scale[c] = (float) (1 / config.latentStd().get(c));
            shift[c] = (float) (-config.latentMean().get(c) / config.latentStd().get(c));
        }
        return of(scale, shift, backend, workspace);
    }

    private static LatentNorm of(float[] scale, float[] shift, Backend backend, Workspace workspace) {
        int n = scale.length;
        float[] matrix = new float[n * n];
        for (int c = 0; c < n; c++) {
            matrix[c * n + c] = scale[c];
        }
        LinearWeights.Source source = new LinearWeights.Source(HostTensor.of(matrix, n, n), HostTensor.of(shift, n));
        return new LatentNorm(backend.packLinear(workspace, source, DType.F32));
    }

    /** [T, H, W, C] to [T, H, W, C]. */
    void apply(Tensor x, Tensor out, Backend backend) {
        backend.linear(x, diagonal, Epilogue.NONE, out);
    }
}
