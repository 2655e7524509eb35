package io.lingen.core.accounting;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Counts floating-point operations per kind, by the formulas of the specification, section 7. Thread-safe. */
public final class OperationMeter {
    private final Map<OperationKind, LongAdder> counts = new EnumMap<>(OperationKind.class);

    public OperationMeter() {
        for (OperationKind kind : OperationKind.values()) {
            counts.put(kind, new LongAdder());
        }
    }

    /** Adds operations to a kind. */
    public void add(OperationKind kind, long operations) {
        counts.get(kind).add(operations);
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
