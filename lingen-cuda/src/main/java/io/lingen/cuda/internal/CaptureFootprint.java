package io.lingen.cuda.internal;

import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cuda.internal.driver.NotRecordableException;
import java.util.Collection;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The memory used by the captured work of a thread: the blocks that it allocates and frees, and the workspaces whose tensors it uses. The
 * graph contains their addresses. Guarded by its {@link SlabAllocator} during the capture, then immutable.
 */
final class CaptureFootprint {
    private final Thread thread = Thread.currentThread();
    /** The largest block at each address. */
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
     * Ends the capture.
     *
     * @param operands the workspaces of the operands, which are checked before each launch and need not stay open
     * @throws NotRecordableException if a block was not freed
     */
    void end(Set<PooledWorkspace> operands) {
        if (open != 0) {
            throw new NotRecordableException("captured work must free its tensors, found " + open + " blocks in use");
        }
        workspaces.keySet().removeAll(operands);
        workspaces.keySet().removeIf(PooledWorkspace::isClosed);
    }

    /** Returns the number of allocations of the work. */
    long takenCount() {
        return takenCount;
    }

    Collection<SlabAllocator.Block> scratch() {
        return scratch.values();
    }

    /**
     * Checks that the tensors that the work did not allocate are still valid.
     *
     * @throws IllegalStateException if a workspace is closed
     */
    void requireOpen() {
        workspaces.keySet().forEach(PooledWorkspace::requireOpen);
    }
}
