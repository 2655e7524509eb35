package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the upsampling: the struct Upsampling of tokens.cu. */
public record UpsamplingArguments(
        long x, long out, long cells, boolean xBf16, boolean outBf16, int c, int h, int w, int ft, int fh, int fw)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, out, cells).put(xBf16, outBf16).put(c, h, w, ft, fh, fw);
    }
}
