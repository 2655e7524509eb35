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

    /** {@return the number of bytes of tensors whose workspaces are open} */
    public long liveBytes() {
        return live.get();
    }

    /** {@return the largest number of live bytes since the start or the last reset} */
    public long peakBytes() {
        return peak.get();
    }

    /** Resets the peak to the live size. */
    public void resetPeak() {
        peak.set(live.get());
    }

    /**
     * Adds an allocation. Called by backends.
     *
     * @param bytes the size, at least 0
     */
    public void allocated(long bytes) {
        MemoryMeter target = separate.get();
        if (target != null) {
            target.allocated(bytes);
            return;
        }
        long now = live.addAndGet(bytes);
        peak.accumulateAndGet(now, Math::max);
    }

    /**
     * Subtracts an allocation that was freed. Called by backends.
     *
     * @param bytes the size, at least 0
     */
    public void freed(long bytes) {
        MemoryMeter target = separate.get();
        if (target != null) {
            target.freed(bytes);
            return;
        }
        live.addAndGet(-bytes);
    }

    /**
     * Runs a task and counts the allocations that this thread makes meanwhile in another meter in place of this one. For work that is only
     * prepared, such as the capture of a CUDA graph. Not reentrant.
     *
     * @param target the other meter
     * @param task the task
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
