package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of patchify and unpatchify: struct Patches in tokens.cu.
 *
 * @param from the address of the source
 * @param to the address of the target
 * @param n the number of elements
 * @param fromBf16 whether the source is BF16
 * @param toBf16 whether the target is BF16
 * @param channels the number of channels
 * @param gt the number of frames of the grid
 * @param gh the number of rows of the grid
 * @param gw the number of columns of the grid
 * @param pt the number of frames of a patch
 * @param ph the number of rows of a patch
 * @param pw the number of columns of a patch
 * @param inverse whether tokens are converted to a video
 */
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
