package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Brings activations into the type in which products are formed. */
final class InputConversion {
    private InputConversion() {}

    /** Whether elements of a type may be used as they are. */
    static boolean fit(DType found, DType products, DType stored) {
        return found == stored && (products == stored || found == products);
    }

    /**
     * Converts elements to {@code stored}, rounded to {@code products}.
     *
     * @param products the type to which the layer's definition rounds
     * @param stored the type in which products are formed: {@code products}, or F32
     */
    static void convert(
            FloatKernels loops,
            long source,
            DType found,
            DType products,
            DType stored,
            long target,
            int n,
            Scratch scratch) {
        if (found == DType.BF16 || products == DType.F32) {
            loops.load(source, found, target, n);
        } else if (stored == DType.BF16) {
            loops.narrow(source, target, n);
        } else {
            long rounded = scratch.bytes((long) n * DType.BF16.bytes());
            loops.narrow(source, rounded, n);
            loops.widen(rounded, target, n);
        }
    }
}
