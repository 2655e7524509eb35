package io.lingen.core.accounting;

import java.util.concurrent.atomic.AtomicLong;

/** Counts the bytes of a backend's tensors. Thread-safe. */
public final class MemoryMeter {
    private final AtomicLong live = new AtomicLong();
    private final AtomicLong peak = new AtomicLong();

    /** The bytes of tensors whose workspaces are open. */
    public long liveBytes() {
        return live.get();
    }

    /** The largest number of live bytes since the start or the last reset. */
    public long peakBytes() {
        return peak.get();
    }

    /** Lets the peak start again from what is live now. */
    public void resetPeak() {
        peak.set(live.get());
    }

    /** Called by a backend when it allocates a tensor. */
    public void allocated(long bytes) {
        long now = live.addAndGet(bytes);
        peak.accumulateAndGet(now, Math::max);
    }

    /** Called by a backend when it frees a tensor. */
    public void freed(long bytes) {
        live.addAndGet(-bytes);
    }
}
