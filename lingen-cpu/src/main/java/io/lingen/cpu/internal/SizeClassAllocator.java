package io.lingen.cpu.internal;

import com.sun.management.OperatingSystemMXBean;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.spi.pool.BlockAllocator;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;

/**
 * Off-heap memory in aligned blocks that are kept when they are given back, so that the workspaces of a pass live in the memory of the
 * pass before: no zeroing, no page faults. Sizes are rounded up to one of four classes per power of two. What is kept never lets the
 * total exceed the most that was ever in use by more than an eighth, or 16 MiB; beyond that the longest unused blocks are freed.
 * Thread-safe.
 */
public final class SizeClassAllocator implements BlockAllocator<SizeClassAllocator.Block>, AutoCloseable {
    private static final long SMALLEST = 4096;
    private static final long KEPT_ANYWAY = 16 << 20;
    private static final int KEPT_PART = 8;

    private final long limit;
    private final Origin origin;
    private final Map<Long, Deque<Block>> free = new HashMap<>();
    /** Kept blocks, longest unused first. */
    private final LinkedHashSet<Block> kept = new LinkedHashSet<>();

    private long usedBytes;
    private long keptBytes;
    private long mostUsedBytes;
    private long mostHeldBytes;
    private boolean closed;

    /** Memory up to the machine's, or the container's, physical size. */
    public SizeClassAllocator() {
        this(physicalBytes());
    }

    SizeClassAllocator(long limit) {
        this(limit, Origin.REAL);
    }

    private SizeClassAllocator(long limit, Origin origin) {
        this.limit = limit;
        this.origin = origin;
    }

    /** The same bookkeeping without the memory, and without a limit: for finding out what a run will take. Its addresses are no memory's. */
    public static SizeClassAllocator withoutMemory() {
        return new SizeClassAllocator(Long.MAX_VALUE, Origin.NONE);
    }

    /** Where the blocks come from. */
    private enum Origin {
        /** The operating system's memory. */
        REAL,
        /** None. */
        NONE;

        private long allocate(long bytes) {
            return this == REAL ? NativeAllocator.allocate(bytes) : RawMemory.ALIGNMENT;
        }

        private void free(Block block) {
            if (this == REAL) {
                NativeAllocator.free(block.base, block.bytes + RawMemory.ALIGNMENT);
            }
        }
    }

    /** A piece of memory. Compared by identity. */
    public static final class Block implements MemoryBlock {
        private final long base;
        private final long address;
        private final long bytes;

        private Block(long base, long bytes) {
            this.base = base;
            this.address = RawMemory.aligned(base);
            this.bytes = bytes;
        }

        /** The first byte's address, a multiple of {@link RawMemory#ALIGNMENT}. */
        @Override
        public long address() {
            return address;
        }

        /** The usable bytes, at least as many as were asked for. */
        @Override
        public long bytes() {
            return bytes;
        }
    }

    /**
     * A block of at least the given size with undefined contents.
     *
     * @throws OutOfMemoryException if the machine has not that much
     */
    @Override
    public synchronized Block allocate(long bytes) {
        if (closed) {
            throw new IllegalStateException("the backend is closed");
        }
        long size = sizeClass(bytes);
        Deque<Block> blocks = free.get(size);
        Block block = blocks == null ? null : blocks.pollLast();
        if (block != null) {
            kept.remove(block);
            keptBytes -= size;
        } else {
            if (size > limit - usedBytes) {
                throw outOfMemory(bytes);
            }
            long wanted = usedBytes + size;
            long most = Math.max(wanted, mostUsedBytes);
            trimTo(Math.min(limit, most + Math.max(most / KEPT_PART, KEPT_ANYWAY)) - wanted);
            long base = origin.allocate(size + RawMemory.ALIGNMENT);
            if (base == 0) {
                trimTo(0);
                base = origin.allocate(size + RawMemory.ALIGNMENT);
            }
            if (base == 0) {
                throw outOfMemory(bytes);
            }
            block = new Block(base, size);
        }
        usedBytes += size;
        mostUsedBytes = Math.max(mostUsedBytes, usedBytes);
        mostHeldBytes = Math.max(mostHeldBytes, usedBytes + keptBytes);
        return block;
    }

    /** Takes a block back; it must not be used any more. */
    @Override
    public synchronized void release(Block block) {
        usedBytes -= block.bytes;
        if (closed) {
            origin.free(block);
            return;
        }
        free.computeIfAbsent(block.bytes, size -> new ArrayDeque<>()).addLast(block);
        kept.add(block);
        keptBytes += block.bytes;
    }

    /** The bytes of the blocks in use, after rounding. */
    public synchronized long usedBytes() {
        return usedBytes;
    }

    /** The bytes of the blocks that wait for reuse. */
    public synchronized long keptBytes() {
        return keptBytes;
    }

    @Override
    public boolean isHostMemory() {
        return true;
    }

    @Override
    public synchronized long peakBytes() {
        return mostHeldBytes;
    }

    @Override
    public synchronized void resetPeak() {
        trimTo(0);
        mostUsedBytes = usedBytes;
        mostHeldBytes = usedBytes;
    }

    /** Frees what is kept. Blocks in use stay valid and are freed when they are released. */
    @Override
    public synchronized void close() {
        trimTo(0);
        closed = true;
    }

    private void trimTo(long bytes) {
        while (keptBytes > Math.max(0, bytes)) {
            Block block = kept.iterator().next();
            kept.remove(block);
            free.get(block.bytes).remove(block);
            keptBytes -= block.bytes;
            origin.free(block);
        }
    }

    private OutOfMemoryException outOfMemory(long bytes) {
        return new OutOfMemoryException("the cpu backend was asked for " + mebibytes(bytes) + " MiB while "
                + mebibytes(usedBytes) + " of " + mebibytes(limit)
                + " MiB are in use; a smaller or shorter video, or BF16 instead of F32, needs less");
    }

    private static long mebibytes(long bytes) {
        return bytes >> 20;
    }

    /** The smallest of 4, 5, 6, 7 times a power of two that is large enough. */
    static long sizeClass(long bytes) {
        if (bytes <= SMALLEST) {
            return SMALLEST;
        }
        if (bytes > Long.MAX_VALUE >> 2) {
            return bytes;
        }
        long step = Long.highestOneBit(bytes - 1) >> 2;
        return (bytes + step - 1) / step * step;
    }

    private static long physicalBytes() {
        java.lang.management.OperatingSystemMXBean system = ManagementFactory.getOperatingSystemMXBean();
        // Knows the container's limit as well; other virtual machines may lack it.
        if (system instanceof OperatingSystemMXBean) {
            return ((OperatingSystemMXBean) system).getTotalMemorySize();
        }
        return Long.MAX_VALUE;
    }
}
