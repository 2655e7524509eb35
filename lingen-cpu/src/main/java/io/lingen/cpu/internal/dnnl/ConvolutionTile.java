package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;

/**
 * The shape of one task of a convolution: a range of rows of one output frame, computed from the input frames and rows within the kernel.
 *
 * @param filter the sizes of the convolution
 * @param t the input frames
 * @param h the input rows
 * @param w the number of input columns
 * @param rows the number of output rows
 * @param columns the number of output columns
 * @param target the type of the output
 */
record ConvolutionTile(
        ConvolutionShape filter, PaddedExtent t, PaddedExtent h, int w, int rows, int columns, DType target) {
    /**
     * The part of an input axis within the kernel, and its zero padding.
     *
     * @param length the length of the part
     * @param before the number of zeros before it
     * @param after the number of zeros after it
     */
    record PaddedExtent(int length, int before, int after) {}

    /** Returns the first input index that the output at {@code from} reads on an axis. */
    static int first(ConvolutionShape filter, int axis, int from) {
        return Math.max(0, begin(filter, axis, from));
    }

    /** Returns the input that the outputs {@code from} to {@code from + count} read on an axis of the given length. */
    static PaddedExtent extent(ConvolutionShape filter, int axis, int from, int count, long length) {
        int begin = begin(filter, axis, from);
        int end = begin(filter, axis, from + count - 1) + filter.kernel().length(axis);
        int first = Math.max(0, begin);
        int last = Math.min(Math.toIntExact(length), end);
        return new PaddedExtent(last - first, first - begin, end - last);
    }

    /** Returns the input index at which the kernel of an output begins, less than 0 in the padding. */
    private static int begin(ConvolutionShape filter, int axis, int output) {
        return output * filter.stride().length(axis) - filter.padding().before(axis);
    }

    /**
     * Compiles the primitive, with weights in the layout that oneDNN prefers.
     *
     * @return the primitive, with the arguments input, weights, output and bias
     */
    Primitive compile(Dnnl dnnl) {
        ConvolutionShape f = filter;
        int before = f.padding().beforeW();
        int after = Math.max(0, (columns - 1) * f.stride().w() + f.kernel().w() - w - before);
        long source = channelsLast(f.dtype(), f.in(), t.length(), h.length(), w);
        long weights = DnnlCalls.anyLayout(f.dtype(), f.lengths());
        long result = channelsLast(target, f.out(), 1, rows, columns);
        long bias = DnnlCalls.layout(DType.F32, new long[] {f.out()}, new long[] {1});
        long attributes = DnnlCalls.attributes();
        long description = 0;
        try {
            description = DnnlCalls.convolution(
                    dnnl.engine(),
                    source,
                    weights,
                    bias,
                    result,
                    new long[] {f.stride().t(), f.stride().h(), f.stride().w()},
                    new long[] {t.before(), h.before(), before},
                    new long[] {t.after(), h.after(), after},
                    attributes);
            if (description == 0) {
                throw new IllegalStateException("oneDNN must implement " + this
                        + ", found no implementation; compute without it with -D" + Dnnl.PROPERTY + "=false");
            }
            int[] kinds = {DnnlCalls.SOURCE, DnnlCalls.WEIGHTS, DnnlCalls.TARGET, DnnlCalls.BIAS};
            long[] layouts = {source, DnnlCalls.weightsLayout(description), result, bias};
            return new Primitive(dnnl, description, kinds, layouts);
        } finally {
            if (description != 0) {
                DnnlCalls.freeDescription(description);
            }
            DnnlCalls.freeAttributes(attributes);
            for (long layout : new long[] {source, weights, result, bias}) {
                DnnlCalls.freeLayout(layout);
            }
        }
    }

    private static long channelsLast(DType dtype, long channels, long t, long h, long w) {
        return DnnlCalls.layout(dtype, new long[] {1, channels, t, h, w}, new long[] {
            t * h * w * channels, 1, h * w * channels, w * channels, channels
        });
    }
}
