package io.lingen.vae;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;
import io.lingen.vae.internal.Activations;

/**
 * The temporal half of a residual block of Stable Video Diffusion's decoder: x += s conv2(SiLU(norm2(conv1(SiLU(norm1(x)))))), with
 * convolutions along time and a learned share s. The statistics of its norms are over all frames of a clip. Thread-safe.
 */
final class TemporalBlock {
    private static final float NORM_EPSILON = 1e-5f;

    private final int groups;
    private final Tensor norm1Weight; // [C]
    private final Tensor norm1Bias; // [C]
    private final ConvolutionWeights conv1; // [C, C, 3, 1, 1]
    private final Tensor norm2Weight; // [C]
    private final Tensor norm2Bias; // [C]
    private final ConvolutionWeights conv2; // [C, C, 3, 1, 1], times s

    /**
     * Loads a block.
     *
     * @param block the weights of the whole residual block
     */
    TemporalBlock(ModelWeights block, AutoencoderConfig config, int width) {
        ModelWeights weights = block.under("temporal_res_block");
        float share = share(block.host("time_mixer.mix_factor", 1), block.backend());
        this.groups = config.normGroups();
        this.norm1Weight = weights.vector("norm1.weight", width);
        this.norm1Bias = weights.vector("norm1.bias", width);
        this.conv1 = convolution(weights, "conv1", width, 1);
        this.norm2Weight = weights.vector("norm2.weight", width);
        this.norm2Bias = weights.vector("norm2.bias", width);
        this.conv2 = convolution(weights, "conv2", width, share);
    }

    private static float share(HostTensor mixFactor, Backend backend) {
        return backend.computes() ? (float) (1 / (1 + Math.exp(-mixFactor.get(0)))) : 1;
    }

    private static ConvolutionWeights convolution(ModelWeights weights, String name, int width, float factor) {
        return weights.convolution(
                scaled(weights, weights.host(name + ".weight", width, width, 3, 1, 1), factor),
                scaled(weights, weights.host(name + ".bias", width), factor),
                Dims3.ONE,
                Padding.same(new Dims3(3, 1, 1)));
    }

    private static HostTensor scaled(ModelWeights weights, HostTensor tensor, float factor) {
        if (factor == 1 || !weights.backend().computes()) {
            return tensor;
        }
        float[] values = tensor.toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return HostTensor.of(values, tensor.shape().toArray());
    }

    /** Updates x [T, H, W, C] in place. */
    void apply(Tensor x, Activations pass) {
        Backend backend = pass.backend();
        Tensor normed = pass.allocate(x.shape());
        norm(backend, x, norm1Weight, norm1Bias, normed);
        Tensor h = pass.allocate(x.shape());
        backend.convolution(normed, conv1, h);
        norm(backend, h, norm2Weight, norm2Bias, normed);
        backend.convolution(normed, conv2, h);
        pass.free(normed);
        backend.add(x, h, x);
        pass.free(h);
    }

    /** Computes SiLU(norm(x)) with statistics over all frames: the frames are the rows of one image. */
    private void norm(Backend backend, Tensor x, Tensor weight, Tensor bias, Tensor out) {
        Shape shape = x.shape();
        Shape image = Shape.of(1, shape.length(0) * shape.length(1), shape.length(2), shape.last());
        backend.groupNorm(x.reshape(image), groups, weight, bias, NORM_EPSILON, true, out.reshape(image));
    }
}
