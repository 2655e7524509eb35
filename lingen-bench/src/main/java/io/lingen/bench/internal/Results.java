package io.lingen.bench.internal;

import io.lingen.core.HostTensor;

/** A benchmark of a computation that went wrong is worth nothing: results are looked at. */
final class Results {
    private Results() {}

    /**
     * Checks a sample of a result's elements.
     *
     * @throws IllegalStateException if one is not finite, or all are zero
     */
    static void requireSound(String what, HostTensor result) {
        long elements = result.shape().elements();
        long step = Math.max(1, elements / 100_003);
        boolean zero = true;
        for (long i = 0; i < elements; i += step) {
            float value = result.get(i);
            if (!Float.isFinite(value)) {
                throw new IllegalStateException(what + ": element " + i + " of " + result + " is " + value);
            }
            zero &= value == 0;
        }
        if (zero) {
            throw new IllegalStateException(what + ": all elements of " + result + " are zero");
        }
    }
}
