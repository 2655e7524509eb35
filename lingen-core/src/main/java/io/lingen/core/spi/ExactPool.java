package io.lingen.core.spi;

import io.lingen.core.accounting.MemoryMeter;

/** A pool that neither rounds sizes nor keeps freed blocks. */
final class ExactPool implements MemoryPool {
    private final MemoryMeter meter = new MemoryMeter();

    @Override
    public Runnable take(long bytes) {
        meter.allocated(bytes);
        return () -> meter.freed(bytes);
    }

    @Override
    public long peakBytes() {
        return meter.peakBytes();
    }

    @Override
    public void resetPeak() {
        meter.resetPeak();
    }
}
