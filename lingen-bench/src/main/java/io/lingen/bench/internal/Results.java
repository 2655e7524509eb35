package io.lingen.bench.internal;

import io.lingen.core.HostTensor;

/** Checks of results, which detect that a benchmark measured a wrong computation. */
final class Results {
    private Results() {}

    /**
     * Checks a sample of the elements of a result.
     *
     * @param name the name of the result, for the error
     * @param result the result
     * @throws IllegalStateException if an element is not finite, or all are zero
     */
    static void requireValid(String name, HostTensor result) {
        long elements = result.shape().elements();
        long step = Math.max(1, elements / 100_003);
        boolean zero = true;
        for (long i = 0; i < elements; i += step) {
            float value = result.get(i);
            if (!Float.isFinite(value)) {
                throw new IllegalStateException(
                        name + " must be finite, found " + value + " at element " + i + " of " + result);
            }
            zero &= value == 0;
        }
        if (zero) {
            throw new IllegalStateException(name + " must have an element other than 0, found only zeros in " + result);
        }
    }
}
