package io.lingen.core.accounting;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Counter of floating-point operations per kind. A multiply-add counts as two operations; the formulas are those of the specification,
 * section 7. Thread-safe.
 */
public final class OperationMeter {
    private final Map<OperationKind, LongAdder> counts = new EnumMap<>(OperationKind.class);
    private final ThreadLocal<@Nullable Map<OperationKind, Long>> separate = new ThreadLocal<>();

    /** Creates a meter with all counts at 0. */
    public OperationMeter() {
        for (OperationKind kind : OperationKind.values()) {
            counts.put(kind, new LongAdder());
        }
    }

    /**
     * Adds operations to the count of a kind.
     *
     * @param kind the kind
     * @param operations their number, at least 0
     */
    public void add(OperationKind kind, long operations) {
        Map<OperationKind, Long> target = separate.get();
        if (target == null) {
            counts.get(kind).add(operations);
        } else {
            target.merge(kind, operations, Long::sum);
        }
    }

    /**
     * Runs a task and adds the operations that this thread counts meanwhile to a map in place of this meter. For work that is only
     * prepared, such as the capture of a CUDA graph. Not reentrant.
     *
     * @param target the map, updated in place
     * @param task the task
     */
    public void countSeparately(Map<OperationKind, Long> target, Runnable task) {
        separate.set(target);
        try {
            task.run();
        } finally {
            separate.remove();
        }
    }

    /**
     * {@return the number of operations of a kind since the start or the last reset}
     *
     * @param kind the kind
     */
    public long count(OperationKind kind) {
        return counts.get(kind).sum();
    }

    /** {@return the number of operations of all kinds since the start or the last reset} */
    public long total() {
        return counts.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** Resets all counts to 0. Counts that other threads add at the same time may be lost. */
    public void reset() {
        counts.values().forEach(LongAdder::reset);
    }
}
