package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.span.Spans;

/** Brings activations into the type in which products are formed. */
final class Inputs {
    private Inputs() {}

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
            Spans spans, long source, DType found, DType products, DType stored, long target, int n, Scratch scratch) {
        if (found == DType.BF16 || products == DType.F32) {
            spans.load(source, found, target, n);
        } else if (stored == DType.BF16) {
            spans.narrow(source, target, n);
        } else {
            long rounded = scratch.bytes((long) n * DType.BF16.bytes());
            spans.narrow(source, rounded, n);
            spans.widen(rounded, target, n);
        }
    }
}
