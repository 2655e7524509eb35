package io.lingen.cpu.internal.dnnl;

import io.lingen.cpu.internal.SizeClassAllocator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The oneDNN state of one worker. Confined to the thread of the worker. */
final class DnnlThread {
    private final SizeClassAllocator memory;
    private final long stream;
    private final boolean ownThread;
    private boolean singleThreaded;
    private SizeClassAllocator.@Nullable Block scratchpad;

    DnnlThread(long engine, int worker, SizeClassAllocator memory) {
        this.memory = memory;
        this.stream = DnnlCalls.stream(engine);
        this.ownThread = worker > 0;
    }

    /** Creates an object with the OpenMP threads of the calling thread set to 1, and restores their number. */
    static <T> T singleThreaded(Supplier<T> create) {
        int before = DnnlCalls.threads();
        DnnlCalls.setThreads(1);
        try {
            return create.get();
        } finally {
            DnnlCalls.setThreads(before);
        }
    }

    /**
     * Sets the OpenMP threads of the calling thread to 1 until {@link #end}. Worker 0 runs on the caller of the backend, which may use
     * OpenMP for other work, so its number is restored.
     *
     * @return the previous number, the argument of {@link #end}
     */
    int begin() {
        if (!ownThread) {
            int before = DnnlCalls.threads();
            if (before != 1) {
                DnnlCalls.setThreads(1);
            }
            return before;
        }
        if (!singleThreaded) {
            DnnlCalls.setThreads(1);
            singleThreaded = true;
        }
        return 1;
    }

    /** Restores the number of OpenMP threads before {@link #begin}. */
    void end(int before) {
        if (before != 1) {
            DnnlCalls.setThreads(before);
        }
    }

    long stream() {
        return stream;
    }

    /** Returns the address of memory for the intermediate results of a primitive, shared by all primitives of this worker. */
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
