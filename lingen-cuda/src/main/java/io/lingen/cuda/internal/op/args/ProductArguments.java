package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of linear layers and convolutions by mma.sync: the struct Product of product.cu. */
public record ProductArguments(
        long x,
        long weight,
        long bias,
        long gate,
        long out,
        long rows,
        boolean xBf16,
        boolean outBf16,
        int t,
        int h,
        int w,
        int c,
        int oh,
        int ow,
        int o,
        int kt,
        int kh,
        int kw,
        int st,
        int sh,
        int sw,
        int pt,
        int ph,
        int pw,
        int kind)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, bias, gate, out, rows)
                .put(xBf16, outBf16)
                .put(t, h, w, c, oh, ow, o, kt, kh, kw, st, sh, sw, pt, ph, pw, kind);
    }
}
