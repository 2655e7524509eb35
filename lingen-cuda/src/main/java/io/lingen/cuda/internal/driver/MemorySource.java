package io.lingen.cuda.internal.driver;

/** A source of large pieces of memory for an allocator. */
public interface MemorySource {
    /**
     * Allocates memory with undefined contents.
     *
     * @param bytes the size
     * @return the address, a multiple of 256, or 0 if there is too little memory
     */
    long allocate(long bytes);

    /**
     * Frees memory.
     *
     * @param address a result of {@link #allocate}
     */
    void free(long address);

    /** {@return the number of free bytes} */
    long freeBytes();
}
