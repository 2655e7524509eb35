package io.lingen.core.accounting;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Counter of the bytes of a backend's tensors, with their peak. Thread-safe. */
public final class MemoryMeter {
    private final AtomicLong live = new AtomicLong();
    private final AtomicLong peak = new AtomicLong();
    private final ThreadLocal<@Nullable MemoryMeter> separate = new ThreadLocal<>();

    /** Creates a meter with both counts at 0. */
    public MemoryMeter() {}

    /** Returns the bytes of the tensors whose workspaces are open. */
    public long liveBytes() {
        return live.get();
    }

    /** Returns the largest number of live bytes since the start or the last reset. */
    public long peakBytes() {
        return peak.get();
    }

    /** Resets the peak to the live size. */
    public void resetPeak() {
        peak.set(live.get());
    }

    /** Adds an allocation. Called by backends. */
    public void allocated(long bytes) {
        MemoryMeter target = separate.get();
        if (target != null) {
            target.allocated(bytes);
            return;
        }
        long now = live.addAndGet(bytes);
        peak.accumulateAndGet(now, Math::max);
    }

    /** Subtracts an allocation that was freed. Called by backends. */
    public void freed(long bytes) {
        MemoryMeter target = separate.get();
        if (target != null) {
            target.freed(bytes);
            return;
        }
        live.addAndGet(-bytes);
    }

    /**
     * Runs a task whose allocations, as far as this thread makes them, are counted by {@code target} and not by this meter. For work that
     * is only prepared, such as the capture of a CUDA graph. Not reentrant.
     */
    public void countSeparately(MemoryMeter target, Runnable task) {
        separate.set(target);
        try {
            task.run();
        } finally {
            separate.remove();
        }
    }
}
