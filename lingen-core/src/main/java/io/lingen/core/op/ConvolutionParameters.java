package io.lingen.core.op;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;

/**
 * The parameters of a 3-D convolution over a channels-last video: weight and bias as a checkpoint holds them, and how the kernel moves.
 * {@link ConvolutionWeights} are their packed form. Output (t, h, w) reads the input from (t * stride.t() - padding.beforeT(), ...) on.
 *
 * @param weight [outChannels, inChannels, kt, kh, kw]
 * @param bias [outChannels]
 * @param stride the strides
 * @param padding the zeros around the input, on each side fewer than the kernel is long
 */
public record ConvolutionParameters(HostTensor weight, HostTensor bias, Dims3 stride, Padding padding) {
    /**
     * Checks the shapes and the padding.
     *
     * @throws IllegalArgumentException if the weight's rank is not 5, a length of the kernel is 0, the bias does not have outChannels
     *     elements, or the padding of a side is not shorter than the kernel, so that outputs would read zeros alone
     */
    public ConvolutionParameters {
        Shape shape = weight.shape();
        if (shape.rank() != 5 || shape.length(2) == 0 || shape.length(3) == 0 || shape.length(4) == 0) {
            throw new IllegalArgumentException(
                    "convolution weight must be [out, in, kt, kh, kw] with a kernel of at least 1x1x1, found " + shape);
        }
        if (!bias.shape().equals(Shape.of(shape.length(0)))) {
            throw new IllegalArgumentException("bias of a convolution with weight " + shape + " must be ["
                    + shape.length(0) + "], found " + bias.shape());
        }
        for (int axis = 0; axis < 3; axis++) {
            long kernel = shape.length(2 + axis);
            if (padding.before(axis) >= kernel || padding.after(axis) >= kernel) {
                throw new IllegalArgumentException("padding of a convolution with weight " + shape
                        + " must be shorter than the kernel on every side, found " + padding);
            }
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
     * @throws IllegalArgumentException if the kernel is longer than the input and its padding
     */
    public Shape outputOf(Shape input) {
        Dims3 kernel = kernel();
        long[] lengths = {0, 0, 0, outChannels()};
        for (int axis = 0; axis < 3; axis++) {
            long padded = padding.before(axis) + input.length(axis) + padding.after(axis);
            if (padded < kernel.length(axis)) {
                throw new IllegalArgumentException("input of a convolution must be at least as long as the kernel "
                        + kernel + " on every axis, found " + input + " with padding " + padding);
            }
            lengths[axis] = (padded - kernel.length(axis)) / stride.length(axis) + 1;
        }
        return Shape.of(lengths);
    }
}
