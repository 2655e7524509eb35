package io.lingen.cpu.internal.dnnl;

import io.lingen.cpu.internal.WorkerPool.Worker;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A compiled oneDNN primitive with separate memory objects for each worker. All workers may execute it at the same time, each on its own
 * data and single-threaded.
 */
final class Primitive {
    /** The size of an argument in bytes: a kind and a memory object. */
    private static final int PAIR = 16;

    private final Dnnl dnnl;
    private final long handle;
    private final int[] kinds;
    private final long[] layouts;
    private final long scratchpadLayout;
    private final long scratchpadBytes;
    private final @Nullable Execution[] executions;
    private volatile long lastUse;

    /**
     * Compiles a description, which the caller continues to own.
     *
     * @param kinds the kinds of the arguments, in the order of the addresses in {@link #execute}
     * @param layouts the layouts of the arguments, copied
     */
    Primitive(Dnnl dnnl, long description, int[] kinds, long[] layouts) {
        this.dnnl = dnnl;
        this.handle = DnnlCalls.primitive(description);
        this.kinds = kinds.clone();
        this.layouts = new long[layouts.length];
        for (int i = 0; i < layouts.length; i++) {
            this.layouts[i] = DnnlCalls.copyOfLayout(layouts[i]);
        }
        this.scratchpadLayout = DnnlCalls.copyOfLayout(DnnlCalls.scratchpadLayout(description));
        this.scratchpadBytes = DnnlCalls.bytes(scratchpadLayout);
        this.executions = new Execution[dnnl.workers()];
    }

    /**
     * Compiles a conversion between layouts.
     *
     * @param source the layout of the source, which this method frees
     */
    static Primitive reorder(Dnnl dnnl, long source, long target) {
        long attributes = DnnlCalls.attributes();
        long description = DnnlCalls.reorder(dnnl.engine(), source, target, attributes);
        try {
            int[] kinds = {DnnlCalls.SOURCE, DnnlCalls.TARGET};
            return new Primitive(dnnl, description, kinds, new long[] {source, target});
        } finally {
            DnnlCalls.freeDescription(description);
            DnnlCalls.freeAttributes(attributes);
            DnnlCalls.freeLayout(source);
        }
    }

    /** Records the number of the operation that uses this primitive. */
    void use(long operation) {
        if (lastUse != operation) {
            lastUse = operation;
        }
    }

    /** Returns the number of the last operation that used this primitive. */
    long lastUse() {
        return lastUse;
    }

    /** Returns the layout of an argument. This primitive owns it. */
    long layout(int index) {
        return layouts[index];
    }

    /** Executes this primitive on two arguments at the given addresses. */
    void execute(Worker worker, long first, long second) {
        Execution execution = execution(worker);
        execution.set(0, first);
        execution.set(1, second);
        execution.run();
    }

    /** Executes this primitive on three arguments at the given addresses. */
    void execute(Worker worker, long first, long second, long third) {
        Execution execution = execution(worker);
        execution.set(0, first);
        execution.set(1, second);
        execution.set(2, third);
        execution.run();
    }

    /** Executes this primitive on three to five arguments at the given addresses. Addresses of missing arguments are ignored. */
    void execute(Worker worker, long first, long second, long third, long fourth, long fifth) {
        Execution execution = execution(worker);
        execution.set(0, first);
        execution.set(1, second);
        execution.set(2, third);
        if (kinds.length > 3) {
            execution.set(3, fourth);
        }
        if (kinds.length > 4) {
            execution.set(4, fifth);
        }
        execution.run();
    }

    private Execution execution(Worker worker) {
        Execution execution = executions[worker.index()];
        if (execution == null) {
            execution = new Execution(worker.index());
            executions[worker.index()] = execution;
        }
        return execution;
    }

    /** Frees this primitive. No worker may be executing it. */
    void free() {
        for (Execution execution : executions) {
            if (execution != null) {
                execution.free();
            }
        }
        for (long layout : layouts) {
            DnnlCalls.freeLayout(layout);
        }
        DnnlCalls.freeLayout(scratchpadLayout);
        DnnlCalls.freePrimitive(handle);
    }

    /** The arguments of one worker. */
    private final class Execution {
        private final Arena arena = Arena.ofShared();
        private final DnnlThread thread;
        private final long arguments;
        private final long[] memories = new long[kinds.length];
        private final long[] addresses = new long[kinds.length];
        private final long scratchpad;
        private long scratchpadAddress;

        private Execution(int worker) {
            thread = dnnl.thread(worker);
            MemorySegment pairs = arena.allocate((long) PAIR * (kinds.length + 1), 8);
            for (int i = 0; i < kinds.length; i++) {
                memories[i] = DnnlCalls.memory(dnnl.engine(), layouts[i]);
                put(pairs, i, kinds[i], memories[i]);
            }
            scratchpad = DnnlCalls.memory(dnnl.engine(), scratchpadLayout);
            put(pairs, kinds.length, DnnlCalls.SCRATCHPAD, scratchpad);
            arguments = pairs.address();
        }

        private void put(MemorySegment pairs, int index, int kind, long memory) {
            pairs.set(ValueLayout.JAVA_INT, (long) index * PAIR, kind);
            pairs.set(ValueLayout.JAVA_LONG, (long) index * PAIR + 8, memory);
        }

        private void set(int index, long address) {
            if (addresses[index] != address) {
                DnnlCalls.setMemory(memories[index], address);
                addresses[index] = address;
            }
        }

        private void run() {
            long address = thread.scratchpad(scratchpadBytes);
            if (scratchpadAddress != address) {
                DnnlCalls.setMemory(scratchpad, address);
                scratchpadAddress = address;
            }
            int before = thread.begin();
            try {
                DnnlCalls.execute(handle, thread.stream(), kinds.length + 1, arguments);
            } finally {
                thread.end(before);
            }
        }

        private void free() {
            for (long memory : memories) {
                DnnlCalls.freeMemory(memory);
            }
            DnnlCalls.freeMemory(scratchpad);
            arena.close();
        }
    }
}
