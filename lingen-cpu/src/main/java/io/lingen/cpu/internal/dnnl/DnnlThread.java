package io.lingen.cpu.internal.dnnl;

import io.lingen.cpu.internal.SizeClassAllocator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What the library keeps for one worker. Used by that worker's thread alone. */
final class DnnlThread {
    private final SizeClassAllocator memory;
    private final long stream;
    private final boolean ownThread;
    private boolean alone;
    private SizeClassAllocator.@Nullable Block scratchpad;

    DnnlThread(long engine, int worker, SizeClassAllocator memory) {
        this.memory = memory;
        this.stream = DnnlCalls.stream(engine);
        this.ownThread = worker > 0;
    }

    /** Makes something that depends on the calling thread's number of OpenMP threads for one thread. */
    static <T> T alone(Supplier<T> make) {
        int before = DnnlCalls.threads();
        DnnlCalls.setThreads(1);
        try {
            return make.get();
        } finally {
            DnnlCalls.setThreads(before);
        }
    }

    /**
     * Lets the calling thread execute primitives without further threads until {@link #end}. Worker 0 is whoever called the backend, and
     * may use OpenMP for other things.
     *
     * @return the argument of {@link #end}
     */
    int begin() {
        if (!ownThread) {
            int before = DnnlCalls.threads();
            if (before != 1) {
                DnnlCalls.setThreads(1);
            }
            return before;
        }
        if (!alone) {
            DnnlCalls.setThreads(1);
            alone = true;
        }
        return 1;
    }

    /** Ends what {@link #begin} began. */
    void end(int before) {
        if (before != 1) {
            DnnlCalls.setThreads(before);
        }
    }

    long stream() {
        return stream;
    }

    /** Memory for the intermediate results of one primitive, shared by all that this worker executes. */
    long scratchpad(long bytes) {
        SizeClassAllocator.Block block = scratchpad;
        if (block == null || block.bytes() < bytes) {
            if (block != null) {
                memory.release(block);
            }
            block = memory.allocate(bytes);
            scratchpad = block;
        }
        return block.address();
    }

    void free() {
        if (scratchpad != null) {
            memory.release(scratchpad);
            scratchpad = null;
        }
        DnnlCalls.freeStream(stream);
    }
}
