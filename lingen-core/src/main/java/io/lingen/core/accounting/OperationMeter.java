package io.lingen.core.accounting;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Counts floating-point operations per kind, by the formulas of the specification, section 7. Thread-safe. */
public final class OperationMeter {
    private final Map<OperationKind, LongAdder> counts = new EnumMap<>(OperationKind.class);
    private final ThreadLocal<@Nullable Map<OperationKind, Long>> aside = new ThreadLocal<>();

    public OperationMeter() {
        for (OperationKind kind : OperationKind.values()) {
            counts.put(kind, new LongAdder());
        }
    }

    /** Adds operations to a kind. */
    public void add(OperationKind kind, long operations) {
        Map<OperationKind, Long> own = aside.get();
        if (own == null) {
            counts.get(kind).add(operations);
        } else {
            own.merge(kind, operations, Long::sum);
        }
    }

    /** Runs what only prepares work: the operations that this thread adds meanwhile are added to {@code own} and not counted here. */
    public void aside(Map<OperationKind, Long> own, Runnable preparation) {
        aside.set(own);
        try {
            preparation.run();
        } finally {
            aside.remove();
        }
    }

    /** The operations of a kind so far. */
    public long count(OperationKind kind) {
        return counts.get(kind).sum();
    }

    /** The operations of all kinds so far. */
    public long total() {
        return counts.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** Starts again from 0. Counts added meanwhile by other threads may be lost. */
    public void reset() {
        counts.values().forEach(LongAdder::reset);
    }
}
