package io.lingen.core.op;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;

/**
 * The parameters of a 3-D convolution over a channels-last video, as a checkpoint holds them. Kernels have odd lengths, and each axis is
 * padded by (kernel - 1) / 2 zeros on both sides. {@link ConvolutionWeights} are their packed form.
 *
 * @param weight [outChannels, inChannels, kt, kh, kw]
 * @param bias [outChannels]
 * @param strideT the stride along time, at least 1
 * @param strideH the stride along height, at least 1
 * @param strideW the stride along width, at least 1
 */
public record ConvolutionParameters(HostTensor weight, HostTensor bias, int strideT, int strideH, int strideW) {
    /**
     * Checks shapes and strides.
     *
     * @throws IllegalArgumentException if the weight's rank is not 5, a kernel length is even, the bias does not have outChannels elements,
     *     or a stride is below 1
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
        if (strideT < 1 || strideH < 1 || strideW < 1) {
            throw new IllegalArgumentException(
                    "strides must be at least 1, found (" + strideT + ", " + strideH + ", " + strideW + ")");
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

    /**
     * {@return the length of the kernel on an axis}
     *
     * @param axis 0 = t, 1 = h, 2 = w
     */
    public int kernel(int axis) {
        return (int) weight.shape().length(2 + axis);
    }

    /**
     * {@return the stride on an axis}
     *
     * @param axis 0 = t, 1 = h, 2 = w
     */
    public int stride(int axis) {
        return axis == 0 ? strideT : axis == 1 ? strideH : strideW;
    }

    /**
     * {@return the output's shape [T', H', W', outChannels]}
     *
     * @param input the input's shape [T, H, W, inChannels]
     */
    public Shape outputOf(Shape input) {
        return Shape.of(
                (input.length(0) - 1) / strideT + 1,
                (input.length(1) - 1) / strideH + 1,
                (input.length(2) - 1) / strideW + 1,
                outChannels());
    }
}
