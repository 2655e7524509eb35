package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of patchify and unpatchify: the struct Patches of tokens.cu. */
public record PatchesArguments(
        long from,
        long to,
        long n,
        boolean fromBf16,
        boolean toBf16,
        int channels,
        int gt,
        int gh,
        int gw,
        int pt,
        int ph,
        int pw,
        boolean inverse)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(from, to, n)
                .put(fromBf16, toBf16)
                .put(channels, gt, gh, gw, pt, ph, pw)
                .put(inverse);
    }
}
