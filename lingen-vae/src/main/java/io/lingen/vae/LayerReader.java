package io.lingen.vae;

import io.lingen.core.ConvolutionWeights;
import io.lingen.core.DType;
import io.lingen.core.LinearWeights;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.WeightReader;

/**
 * Reads the weights under one name of a checkpoint and packs them for a backend.
 *
 * @param workspace owns what is packed
 * @param dtype the type in which products are formed
 */
record LayerReader(WeightReader weights, Backend backend, Workspace workspace, DType dtype) {
    LayerReader under(String name) {
        return new LayerReader(weights.under(name), backend, workspace, dtype);
    }

    /** {@code name} [length], in F32. */
    Tensor parameter(String name, long length) {
        return backend.upload(workspace, weights.tensor(name, length), DType.F32);
    }

    /** {@code name.weight} [out, in], {@code name.bias} [out]. */
    LinearWeights linear(String name, long in, long out) {
        return backend.packLinear(workspace, weights.linear(name, in, out), dtype);
    }

    /** {@code name.weight} [out, in, 3, 3], {@code name.bias} [out]: a convolution of each frame. */
    ConvolutionWeights spatial(String name, long in, long out, int strideH, int strideW) {
        return backend.packConvolution(
                workspace,
                new ConvolutionWeights.Source(
                        weights.tensor(name + ".weight", out, in, 3, 3).reshape(out, in, 1, 3, 3),
                        weights.tensor(name + ".bias", out),
                        1,
                        strideH,
                        strideW),
                dtype);
    }

    /** {@code name.weight} [width, width, 3], {@code name.bias} [width]: a convolution along time. */
    ConvolutionWeights temporal(String name, long width, int stride) {
        return backend.packConvolution(
                workspace,
                new ConvolutionWeights.Source(
                        weights.tensor(name + ".weight", width, width, 3).reshape(width, width, 3, 1, 1),
                        weights.tensor(name + ".bias", width),
                        stride,
                        1,
                        1),
                dtype);
    }
}
