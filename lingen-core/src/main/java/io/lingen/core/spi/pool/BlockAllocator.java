package io.lingen.core.spi.pool;

import io.lingen.core.spi.MemoryPool;

/**
 * An allocator of memory in blocks. It identifies the memory of one backend: a backend rejects tensors of another allocator. Thread-safe.
 *
 * @param <B> the type of the blocks
 */
public interface BlockAllocator<B extends BlockAllocator.MemoryBlock> extends MemoryPool {
    /** A piece of memory. Compared by identity. */
    interface MemoryBlock {
        /** {@return the address of the first byte, aligned for every kernel} */
        long address();

        /** {@return the number of usable bytes, at least the requested number} */
        long bytes();
    }

    /**
     * {@return a block with undefined contents}
     *
     * @param bytes the requested size, at least 0
     * @throws io.lingen.core.OutOfMemoryException if there is too little memory
     */
    B allocate(long bytes);

    /**
     * Frees a block. Work that was started before may still use it; work that starts later must not.
     *
     * @param block of this allocator
     */
    void release(B block);

    /** {@return whether the host can read and write the blocks at their addresses} */
    boolean isHostMemory();

    @Override
    default Runnable take(long bytes) {
        B block = allocate(bytes);
        return () -> release(block);
    }
}
