package io.lingen.cuda.internal;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.accounting.MemoryPool;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.TreeSet;

/**
 * The backend's memory in blocks that are kept when they are given back: a pass that repeats gets the addresses of the pass before, which
 * is what a captured graph needs. A block may be given back while work that uses it is under way, for all work is on one stream. What is
 * kept never lets the total exceed one and a half times the most that was ever in use, and goes first when the device is full.
 * Thread-safe.
 */
public final class DeviceMemory implements MemoryPool, AutoCloseable {
    private static final long ALIGNMENT = 256;
    private static final long LARGEST = Long.MAX_VALUE >> 4;

    private final Source source;
    /** By size, the oldest first: which block is taken depends on what is free alone, not on the order in which it became so. */
    private final Map<Long, TreeSet<Block>> free = new HashMap<>();
    /** Kept blocks, longest unused first. */
    private final LinkedHashSet<Block> kept = new LinkedHashSet<>();

    private long usedBytes;
    private long keptBytes;
    private long mostUsedBytes;
    private long mostHeldBytes;
    private long made;

    /** Where memory comes from. */
    public interface Source {
        /** The address of new memory, 0 if there is not enough. */
        long allocate(long bytes);

        void free(long address);

        /** The bytes that are left, for the message when there is not enough. */
        long freeBytes();
    }

    public DeviceMemory(Source source) {
        this.source = source;
    }

    /** A pool that keeps its books and has nothing behind them. */
    public static DeviceMemory withoutMemory() {
        return new DeviceMemory(new Source() {
            @Override
            public long allocate(long bytes) {
                return ALIGNMENT;
            }

            @Override
            public void free(long address) {}

            @Override
            public long freeBytes() {
                return Long.MAX_VALUE;
            }
        });
    }

    @Override
    public Runnable take(long bytes) {
        Block block = allocate(bytes);
        return () -> release(block);
    }

    @Override
    public synchronized long peakBytes() {
        return mostHeldBytes;
    }

    @Override
    public synchronized void resetPeak() {
        mostHeldBytes = usedBytes + keptBytes;
    }

    /** A piece of memory. Compared by identity. */
    public static final class Block {
        private final long number;
        private final long address;
        private final long bytes;

        private Block(long number, long address, long bytes) {
            this.number = number;
            this.address = address;
            this.bytes = bytes;
        }

        private long number() {
            return number;
        }

        /** The first byte's address, a multiple of 256. */
        public long address() {
            return address;
        }

        /** The usable bytes, at least as many as were asked for. */
        public long bytes() {
            return bytes;
        }
    }

    /**
     * A block of at least the given size with undefined contents.
     *
     * @throws OutOfMemoryException if the device has not that much
     */
    public synchronized Block allocate(long bytes) {
        long size = sizeClass(bytes);
        TreeSet<Block> blocks = free.get(size);
        Block block = blocks == null ? null : blocks.pollFirst();
        if (block != null) {
            kept.remove(block);
            keptBytes -= size;
        } else {
            long wanted = usedBytes + size;
            trimTo(Math.max(wanted, mostUsedBytes) * 3 / 2 - wanted);
            long address = size > LARGEST ? 0 : source.allocate(size);
            if (address == 0) {
                trimTo(0);
                address = size > LARGEST ? 0 : source.allocate(size);
            }
            if (address == 0) {
                throw outOfMemory(bytes);
            }
            block = new Block(made++, address, size);
        }
        usedBytes += size;
        mostUsedBytes = Math.max(mostUsedBytes, usedBytes);
        mostHeldBytes = Math.max(mostHeldBytes, usedBytes + keptBytes);
        return block;
    }

    /** Takes a block back; work that is started from now on must not use it. */
    public synchronized void release(Block block) {
        usedBytes -= block.bytes;
        free.computeIfAbsent(block.bytes, size -> new TreeSet<>(Comparator.comparingLong(Block::number)))
                .add(block);
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

    /** The bytes that can still be had. */
    public long availableBytes() {
        return source.freeBytes() + keptBytes();
    }

    /** Frees what is kept. */
    @Override
    public synchronized void close() {
        trimTo(0);
    }

    private void trimTo(long bytes) {
        while (keptBytes > Math.max(0, bytes)) {
            Block block = kept.iterator().next();
            kept.remove(block);
            free.get(block.bytes).remove(block);
            keptBytes -= block.bytes;
            source.free(block.address);
        }
    }

    private OutOfMemoryException outOfMemory(long bytes) {
        return new OutOfMemoryException("the cuda backend was asked for " + (bytes >> 20) + " MiB while it uses "
                + (usedBytes >> 20) + " MiB and the device has " + (source.freeBytes() >> 20)
                + " MiB left; a smaller or shorter video, or BF16 instead of F32, needs less");
    }

    /** Rounded up to one of sixteen sizes per power of two, so that at most a sixteenth is wasted. */
    static long sizeClass(long bytes) {
        if (bytes <= ALIGNMENT) {
            return ALIGNMENT;
        }
        if (bytes > LARGEST) {
            return bytes;
        }
        long step = Math.max(ALIGNMENT, Long.highestOneBit(bytes - 1) >> 4);
        return (bytes + step - 1) / step * step;
    }
}
