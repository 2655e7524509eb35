package io.lingen.core.accounting;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Counts the bytes of a backend's tensors. Thread-safe. */
public final class MemoryMeter {
    private final AtomicLong live = new AtomicLong();
    private final AtomicLong peak = new AtomicLong();
    private final ThreadLocal<@Nullable MemoryMeter> aside = new ThreadLocal<>();

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
        MemoryMeter own = aside.get();
        if (own != null) {
            own.allocated(bytes);
            return;
        }
        long now = live.addAndGet(bytes);
        peak.accumulateAndGet(now, Math::max);
    }

    /** Called by a backend when it frees a tensor. */
    public void freed(long bytes) {
        MemoryMeter own = aside.get();
        if (own != null) {
            own.freed(bytes);
            return;
        }
        live.addAndGet(-bytes);
    }

    /** Runs what only prepares work: the tensors that this thread allocates and frees meanwhile are counted by {@code own} and not here. */
    public void aside(MemoryMeter own, Runnable preparation) {
        aside.set(own);
        try {
            preparation.run();
        } finally {
            aside.remove();
        }
    }
}
