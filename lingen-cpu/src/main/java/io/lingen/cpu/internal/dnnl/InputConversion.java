package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Conversion of activations to the type of a GEMM. */
final class InputConversion {
    private InputConversion() {}

    /** Returns whether elements of a type can be used without conversion. */
    static boolean isUnneeded(DType found, DType rounded, DType stored) {
        return found == stored && (rounded == stored || found == rounded);
    }

    /**
     * Converts elements to {@code stored}, after rounding them to {@code rounded}.
     *
     * @param rounded the type of the packed weights, to which the layer rounds
     * @param stored the type of the GEMM: {@code rounded}, or F32
     */
    static void convert(
            FloatKernels loops,
            long source,
            DType found,
            DType rounded,
            DType stored,
            long target,
            int n,
            Scratch scratch) {
        if (found == DType.BF16 || rounded == DType.F32) {
            loops.load(source, found, target, n);
        } else if (stored == DType.BF16) {
            loops.narrow(source, target, n);
        } else {
            long bits = scratch.bytes((long) n * DType.BF16.bytes());
            loops.narrow(source, bits, n);
            loops.widen(bits, target, n);
        }
    }
}
