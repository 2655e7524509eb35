package io.lingen.bench.internal;

/**
 * An operation to measure, with the bytes and floating-point operations of its roofline.
 *
 * @param name the name in the results
 * @param bytes the bytes to move if each input is read once and each output is written once
 * @param operations the floating-point operations, 2 per multiply-add
 * @param work starts the operation
 */
record GpuCase(String name, double bytes, double operations, Runnable work) {
    /** Returns the roofline time in milliseconds, the larger of the time of the bytes and the time of the operations. */
    double rooflineMillis(GpuCeilings ceilings) {
        return 1e3 * Math.max(bytes / ceilings.bytesPerSecond(), operations / ceilings.operationsPerSecond());
    }

    /** Returns which of the two times is the roofline: "memory" or "compute". */
    String bound(GpuCeilings ceilings) {
        return bytes / ceilings.bytesPerSecond() > operations / ceilings.operationsPerSecond() ? "memory" : "compute";
    }
}
