package io.lingen.bench.internal;

/**
 * One measured piece of work beside its two floors.
 *
 * @param bytes the fewest that must move: every input read once, every output written once
 * @param operations floating-point operations that must be done, 2 per multiply-add
 */
record GpuCase(String name, double bytes, double operations, Runnable work) {
    /** The milliseconds below which no version of it gets: the larger of both floors. */
    double floorMillis(GpuCeilings ceilings) {
        return 1e3 * Math.max(bytes / ceilings.bytesPerSecond(), operations / ceilings.operationsPerSecond());
    }

    /** Which of the floors is the larger: "bytes" or "operations". */
    String bound(GpuCeilings ceilings) {
        return bytes / ceilings.bytesPerSecond() > operations / ceilings.operationsPerSecond() ? "bytes" : "operations";
    }
}
