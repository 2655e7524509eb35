package io.lingen.core.spi;

import io.lingen.core.accounting.MemoryMeter;

/** Memory that is neither rounded nor kept. */
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
