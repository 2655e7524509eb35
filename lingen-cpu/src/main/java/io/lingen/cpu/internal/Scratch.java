package io.lingen.cpu.internal;

import java.util.ArrayList;
import java.util.List;

/**
 * The memory of a worker for intermediate results: a stack that is emptied before each task. It grows to the needs of the largest task and
 * does not shrink. Not thread-safe.
 */
public final class Scratch implements AutoCloseable {
    private static final int OFFSET_BITS = 48;
    private static final long SMALLEST_BLOCK = 1 << 18;

    private final SizeClassAllocator memory;
    private final List<SizeClassAllocator.Block> blocks = new ArrayList<>();
    private int block;
    private long used;

    Scratch(SizeClassAllocator memory) {
        this.memory = memory;
    }

    /**
     * Allocates aligned memory with undefined contents.
     *
     * @param bytes the size
     * @return the address, valid until the task ends or an earlier mark is released
     */
    public long bytes(long bytes) {
        long size = RawMemory.aligned(bytes);
        while (block < blocks.size() && used + size > blocks.get(block).bytes()) {
            block++;
            used = 0;
        }
        if (block == blocks.size()) {
            blocks.add(memory.allocate(Math.max(size, SMALLEST_BLOCK)));
        }
        long address = blocks.get(block).address() + used;
        used += size;
        return address;
    }

    /**
     * Allocates aligned memory for F32 elements with undefined contents.
     *
     * @param count the number of elements
     * @return the address, valid until the task ends or an earlier mark is released
     */
    public long floats(long count) {
        return bytes(count * Float.BYTES);
    }

    /** {@return the current height of the stack, for {@link #release}} */
    public long mark() {
        return ((long) block << OFFSET_BITS) | used;
    }

    /**
     * Frees the memory that was allocated after a mark.
     *
     * @param mark a result of {@link #mark}
     */
    public void release(long mark) {
        block = (int) (mark >>> OFFSET_BITS);
        used = mark & ((1L << OFFSET_BITS) - 1);
    }

    /** Frees all memory, and merges the blocks into one that fits the whole previous task. */
    void reset() {
        block = 0;
        used = 0;
        if (blocks.size() > 1) {
            long total =
                    blocks.stream().mapToLong(SizeClassAllocator.Block::bytes).sum();
            close();
            blocks.add(memory.allocate(total));
        }
    }

    @Override
    public void close() {
        blocks.forEach(memory::release);
        blocks.clear();
        block = 0;
        used = 0;
    }
}
