package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;

/**
 * A piece of a convolution: some rows of one output frame, from the input frames and rows that the kernel reaches.
 *
 * @param t the input's frames
 * @param h the input's rows
 * @param w the input's columns
 * @param rows the output's rows
 * @param columns the output's columns
 * @param target the output's type
 */
record ConvolutionTile(
        ConvolutionShape filter, PaddedExtent t, PaddedExtent h, int w, int rows, int columns, DType target) {
    /**
     * The part of one axis that a kernel reads, with its padding.
     *
     * @param length the input's length there
     * @param before the zeros in front of it; likewise {@code after}
     */
    record PaddedExtent(int length, int before, int after) {}

    /** The first index of an axis that its outputs from {@code from} on read. */
    static int first(int from, int kernel, int stride) {
        return Math.max(0, from * stride - kernel / 2);
    }

    /** What the outputs {@code from} to {@code from + count} of an axis of the given length reach. */
    static PaddedExtent reach(int from, int count, int kernel, int stride, int length) {
        int begin = from * stride - kernel / 2;
        int end = (from + count - 1) * stride - kernel / 2 + kernel;
        int first = Math.max(0, begin);
        int last = Math.min(length, end);
        return new PaddedExtent(last - first, first - begin, end - last);
    }

    /**
     * Compiles it, with the weights in the layout that the library prefers.
     *
     * @return the primitive; its arguments are input, weights, output, bias
     */
    Primitive compile(Dnnl dnnl) {
        ConvolutionShape f = filter;
        int before = f.kernel().w() / 2;
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
                throw new IllegalStateException("oneDNN has no implementation of " + this);
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
