package io.lingen.core.op;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;

/**
 * The parameters of a 3-D convolution over a channels-last video, as a checkpoint holds them. Kernels have odd lengths, and each axis is
 * padded by (kernel - 1) / 2 zeros on both sides. {@link ConvolutionWeights} are their packed form.
 *
 * @param weight [outChannels, inChannels, kt, kh, kw]
 * @param bias [outChannels]
 * @param stride the strides
 */
public record ConvolutionParameters(HostTensor weight, HostTensor bias, Dims3 stride) {
    /**
     * Checks the shapes.
     *
     * @throws IllegalArgumentException if the weight's rank is not 5, a kernel length is even, or the bias does not have outChannels elements
     */
    public ConvolutionParameters {
        Shape shape = weight.shape();
        if (shape.rank() != 5 || shape.length(2) % 2 == 0 || shape.length(3) % 2 == 0 || shape.length(4) % 2 == 0) {
            throw new IllegalArgumentException(
                    "convolution weight must be [out, in, kt, kh, kw] with odd kernels, found " + shape);
        }
        if (!bias.shape().equals(Shape.of(shape.length(0)))) {
            throw new IllegalArgumentException("bias of a convolution with weight " + shape + " must be ["
                    + shape.length(0) + "], found " + bias.shape());
        }
    }

    /** {@return the number of output channels} */
    public long outChannels() {
        return weight.shape().length(0);
    }

    /** {@return the number of input channels} */
    public long inChannels() {
        return weight.shape().length(1);
    }

    /** {@return the lengths of the kernel} */
    public Dims3 kernel() {
        Shape shape = weight.shape();
        return new Dims3((int) shape.length(2), (int) shape.length(3), (int) shape.length(4));
    }

    /**
     * {@return the output's shape [T', H', W', outChannels]}
     *
     * @param input the input's shape [T, H, W, inChannels]
     */
    public Shape outputOf(Shape input) {
        return Shape.of(
                (input.length(0) - 1) / stride.t() + 1,
                (input.length(1) - 1) / stride.h() + 1,
                (input.length(2) - 1) / stride.w() + 1,
                outChannels());
    }
}
