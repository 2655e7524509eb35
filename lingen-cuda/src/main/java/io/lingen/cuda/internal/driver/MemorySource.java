package io.lingen.cuda.internal.driver;

/** Memory in large pieces, from which an allocator cuts blocks. */
public interface MemorySource {
    /** The address of new memory, a multiple of 256; 0 if there is not enough. */
    long allocate(long bytes);

    /** Frees memory that {@link #allocate} gave. */
    void free(long address);

    /** The bytes that are left, for the message when there is not enough. */
    long freeBytes();
}
