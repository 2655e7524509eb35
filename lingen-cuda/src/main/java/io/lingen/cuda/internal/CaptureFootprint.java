package io.lingen.cuda.internal;

import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cuda.internal.driver.NotRecordableException;
import java.util.Collection;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What a thread's work does with the memory while it is captured: the blocks that it takes and gives back, and the workspaces whose
 * tensors it touches. The graph has their addresses. Guarded by its {@link SlabAllocator} until the work has ended, then immutable.
 */
final class CaptureFootprint {
    private final Thread thread = Thread.currentThread();
    /** By address, the largest there. */
    private final Map<Long, SlabAllocator.Block> scratch = new HashMap<>();

    private final Map<PooledWorkspace, Boolean> workspaces = new IdentityHashMap<>();
    private int open;
    private long takenCount;

    boolean isOfThisThread() {
        return thread == Thread.currentThread();
    }

    void taken(SlabAllocator.Block block) {
        open++;
        takenCount++;
        scratch.merge(block.address(), block, (a, b) -> a.bytes() > b.bytes() ? a : b);
    }

    void released() {
        open--;
    }

    void touched(PooledWorkspace workspace) {
        workspaces.put(workspace, true);
    }

    /**
     * Called when the work has ended.
     *
     * @param operands workspaces that need not stay open: tensors that are looked at before every launch
     * @throws NotRecordableException if a block was not given back
     */
    void end(Set<PooledWorkspace> operands) {
        if (open != 0) {
            throw new NotRecordableException("tensors that outlive the work can't be part of a graph");
        }
        workspaces.keySet().removeAll(operands);
        workspaces.keySet().removeIf(PooledWorkspace::isClosed);
    }

    /** How many blocks the work took, one after the other. */
    long takenCount() {
        return takenCount;
    }

    Collection<SlabAllocator.Block> scratch() {
        return scratch.values();
    }

    /**
     * Checks that the tensors from outside of the work are still there.
     *
     * @throws IllegalStateException if one was freed
     */
    void requireOpen() {
        workspaces.keySet().forEach(PooledWorkspace::requireOpen);
    }
}
