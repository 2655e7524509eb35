package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of GEMMs and implicit GEMMs: struct Gemm in gemm.cu.
 *
 * @param x the address of the input
 * @param weight the address of the weight
 * @param bias the address of the bias, or 0 for none
 * @param gate the address of the gate, or 0 for none
 * @param out the address of the output
 * @param rows the number of output cells
 * @param xBf16 whether the input is BF16
 * @param outBf16 whether the output is BF16
 * @param t the number of input frames
 * @param h the number of input rows
 * @param w the number of input columns
 * @param c the number of input channels
 * @param oh the number of output rows
 * @param ow the number of output columns
 * @param o the number of output channels
 * @param kt the length of the kernel along time
 * @param kh the length of the kernel along height
 * @param kw the length of the kernel along width
 * @param st the stride along time
 * @param sh the stride along height
 * @param sw the stride along width
 * @param pt the number of zeros before the input along time
 * @param ph the number of zeros before the input along height
 * @param pw the number of zeros before the input along width
 * @param kind the ordinal of the kind of the epilogue
 */
public record GemmArguments(
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
