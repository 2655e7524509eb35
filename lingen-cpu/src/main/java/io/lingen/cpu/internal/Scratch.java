package io.lingen.cpu.internal;

import java.util.ArrayList;
import java.util.List;

/**
 * A worker's memory for intermediate results: handed out piece by piece, taken back as a whole at the start of every task. Grows to what
 * the largest task needs and stays there. Not thread-safe.
 */
public final class Scratch implements AutoCloseable {
    private final CpuMemory memory;
    private final List<CpuMemory.Block> blocks = new ArrayList<>();
    private long used;

    Scratch(CpuMemory memory) {
        this.memory = memory;
    }

    /** The address of aligned memory with undefined contents, valid until the task ends. */
    public long bytes(long bytes) {
        long size = Memory.aligned(bytes);
        CpuMemory.Block last = blocks.isEmpty() ? null : blocks.get(blocks.size() - 1);
        if (last == null || used + size > last.bytes()) {
            last = memory.allocate(Math.max(size, 1 << 16));
            blocks.add(last);
            used = 0;
        }
        long address = last.address() + used;
        used += size;
        return address;
    }

    /** The address of memory for a number of F32 elements. */
    public long floats(long count) {
        return bytes(count * Float.BYTES);
    }

    /** Takes everything back, and joins the blocks to one so that the next task finds enough in one piece. */
    void reset() {
        used = 0;
        if (blocks.size() > 1) {
            long total = blocks.stream().mapToLong(CpuMemory.Block::bytes).sum();
            close();
            blocks.add(memory.allocate(total));
        }
    }

    @Override
    public void close() {
        blocks.forEach(memory::release);
        blocks.clear();
        used = 0;
    }
}
