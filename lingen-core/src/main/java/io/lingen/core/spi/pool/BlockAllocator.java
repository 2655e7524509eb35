package io.lingen.core.spi.pool;

import io.lingen.core.spi.MemoryPool;

/**
 * Memory in blocks. An instance is the identity of a backend's memory: tensors of two allocators never mix. Thread-safe.
 *
 * @param <B> the blocks that it hands out
 */
public interface BlockAllocator<B extends BlockAllocator.MemoryBlock> extends MemoryPool {
    /** A piece of memory. Compared by identity. */
    interface MemoryBlock {
        /** The first byte's address, aligned for every kernel. */
        long address();

        /** The usable bytes, at least as many as were asked for. */
        long bytes();
    }

    /**
     * A block of at least the given size with undefined contents.
     *
     * @throws io.lingen.core.OutOfMemoryException if there is not enough memory
     */
    B allocate(long bytes);

    /** Takes a block back; work that starts from now on must not use it. */
    void release(B block);

    /** Whether the host can read and write the blocks at their addresses. */
    boolean isHostMemory();

    @Override
    default Runnable take(long bytes) {
        B block = allocate(bytes);
        return () -> release(block);
    }
}
