package io.lingen.core;

/**
 * The weights of a 3-D convolution over a channels-last video, packed once by a backend. The padding is (kernel - 1) / 2 zeros on both
 * sides of each axis, kernels are odd. Immutable, thread-safe, owned by the workspace it was packed into.
 */
public interface ConvolutionWeights {
    /** The convolution as read: sizes, strides and the host tensors. */
    Source source();

    /** The type in which products are formed; accumulation is always in F32. */
    DType dtype();

    /**
     * The convolution's definition.
     *
     * @param weight [outChannels, inChannels, kt, kh, kw]
     * @param bias [outChannels]
     * @param strideT stride along time, at least 1; likewise strideH, strideW
     */
    record Source(HostTensor weight, HostTensor bias, int strideT, int strideH, int strideW) {
        public Source {
            Shape shape = weight.shape();
            if (shape.rank() != 5 || shape.length(2) % 2 == 0 || shape.length(3) % 2 == 0 || shape.length(4) % 2 == 0) {
                throw new IllegalArgumentException(
                        "a convolution's weight is [out, in, kt, kh, kw] with odd kernels, found " + shape);
            }
            if (!bias.shape().equals(Shape.of(shape.length(0)))) {
                throw new IllegalArgumentException("the bias of a convolution with weight " + shape + " is ["
                        + shape.length(0) + "], found " + bias.shape());
            }
            if (strideT < 1 || strideH < 1 || strideW < 1) {
                throw new IllegalArgumentException(
                        "strides are at least 1, found (" + strideT + ", " + strideH + ", " + strideW + ")");
            }
        }

        public long outChannels() {
            return weight.shape().length(0);
        }

        public long inChannels() {
            return weight.shape().length(1);
        }

        /** The kernel's length on axis 0 = t, 1 = h, 2 = w. */
        public int kernel(int axis) {
            return (int) weight.shape().length(2 + axis);
        }

        /** The stride on axis 0 = t, 1 = h, 2 = w. */
        public int stride(int axis) {
            return axis == 0 ? strideT : axis == 1 ? strideH : strideW;
        }

        /** The output's [T', H', W', outChannels] for an input [T, H, W, inChannels]. */
        public Shape outputOf(Shape input) {
            return Shape.of(
                    (input.length(0) - 1) / strideT + 1,
                    (input.length(1) - 1) / strideH + 1,
                    (input.length(2) - 1) / strideW + 1,
                    outChannels());
        }
    }
}
