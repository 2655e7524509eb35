package io.lingen.cpu.internal;

import java.util.ArrayList;
import java.util.List;

/**
 * A worker's memory for intermediate results: a stack, emptied at the start of every task. Grows to what the largest task needs and stays
 * there. Not thread-safe.
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

    /** The address of aligned memory with undefined contents, valid until the task ends or an earlier mark is released. */
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

    /** The address of memory for a number of F32 elements. */
    public long floats(long count) {
        return bytes(count * Float.BYTES);
    }

    /** The present height of the stack. */
    public long mark() {
        return ((long) block << OFFSET_BITS) | used;
    }

    /** Takes back what was handed out since {@link #mark} gave this. */
    public void release(long mark) {
        block = (int) (mark >>> OFFSET_BITS);
        used = mark & ((1L << OFFSET_BITS) - 1);
    }

    /** Takes everything back, and joins the blocks to one so that the next task finds enough in one piece. */
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
