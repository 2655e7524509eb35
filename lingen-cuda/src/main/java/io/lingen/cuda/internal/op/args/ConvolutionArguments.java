package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the convolutions by warpgroups: the struct Convolution of convolution_sm90.cu. */
public record ConvolutionArguments(
        long x,
        long weight,
        long bias,
        long out,
        boolean outBf16,
        int t,
        int h,
        int w,
        int c,
        int ot,
        int oh,
        int ow,
        int o,
        int kt,
        int kh,
        int kw,
        int pt,
        int ph,
        int pw,
        int boxT,
        int boxH,
        int boxW)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, bias, out)
                .put(outBf16)
                .put(t, h, w, c, ot, oh, ow, o, kt, kh, kw, pt, ph, pw, boxT, boxH, boxW);
    }
}
