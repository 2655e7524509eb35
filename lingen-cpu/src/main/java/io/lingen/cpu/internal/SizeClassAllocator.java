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
 * An allocator of aligned off-heap blocks that keeps freed blocks for reuse. The workspaces of a pass reuse the memory of the previous
 * pass, without zeroing or page faults. Sizes are rounded up to one of four classes per power of two. Used and kept blocks together never
 * exceed the peak use by more than an eighth of it or 16 MiB, whichever is larger; the least recently used blocks are freed first.
 * Thread-safe.
 */
public final class SizeClassAllocator implements BlockAllocator<SizeClassAllocator.Block>, AutoCloseable {
    private static final long SMALLEST = 4096;
    private static final long MIN_KEPT = 16 << 20;
    private static final int KEPT_PART = 8;

    private final long limit;
    private final Origin origin;
    private final Map<Long, Deque<Block>> free = new HashMap<>();
    /** Kept blocks, the least recently used first. */
    private final LinkedHashSet<Block> kept = new LinkedHashSet<>();

    private long usedBytes;
    private long keptBytes;
    private long peakUsedBytes;
    private long peakHeldBytes;
    private boolean closed;

    /** Creates an allocator whose limit is the physical memory of the machine or the container. */
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

    /** {@return an allocator with the same policy but without memory and without a limit, for dry runs} Its addresses must not be used. */
    public static SizeClassAllocator withoutMemory() {
        return new SizeClassAllocator(Long.MAX_VALUE, Origin.NONE);
    }

    /** The origin of the blocks. */
    private enum Origin {
        /** Memory of the operating system. */
        REAL,
        /** No memory. */
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

        /** {@return the address of the first byte, a multiple of {@link RawMemory#ALIGNMENT}} */
        @Override
        public long address() {
            return address;
        }

        @Override
        public long bytes() {
            return bytes;
        }
    }

    @Override
    public synchronized Block allocate(long bytes) {
        if (closed) {
            throw new IllegalStateException("the cpu backend is closed; allocate tensors before closing it");
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
            long peak = Math.max(wanted, peakUsedBytes);
            trimTo(Math.min(limit, peak + Math.max(peak / KEPT_PART, MIN_KEPT)) - wanted);
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
        peakUsedBytes = Math.max(peakUsedBytes, usedBytes);
        peakHeldBytes = Math.max(peakHeldBytes, usedBytes + keptBytes);
        return block;
    }

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

    /** {@return the number of bytes of the blocks in use, after rounding} */
    public synchronized long usedBytes() {
        return usedBytes;
    }

    /** {@return the number of bytes of the blocks kept for reuse} */
    public synchronized long keptBytes() {
        return keptBytes;
    }

    @Override
    public boolean isHostMemory() {
        return true;
    }

    @Override
    public synchronized long peakBytes() {
        return peakHeldBytes;
    }

    @Override
    public synchronized void resetPeak() {
        trimTo(0);
        peakUsedBytes = usedBytes;
        peakHeldBytes = usedBytes;
    }

    /** Frees the blocks kept for reuse. Blocks in use stay valid and are freed when they are released. */
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
        return new OutOfMemoryException("the cpu backend has too little memory: requested " + mebibytes(bytes)
                + " MiB, in use " + mebibytes(usedBytes) + " of " + mebibytes(limit)
                + " MiB; make a smaller or shorter video, or use BF16");
    }

    private static long mebibytes(long bytes) {
        return bytes >> 20;
    }

    /** Returns the smallest sufficient size of the form 4, 5, 6 or 7 times a power of two. */
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
        // This interface includes the limit of a container. JVMs of other vendors may lack it.
        if (system instanceof OperatingSystemMXBean) {
            return ((OperatingSystemMXBean) system).getTotalMemorySize();
        }
        return Long.MAX_VALUE;
    }
}
