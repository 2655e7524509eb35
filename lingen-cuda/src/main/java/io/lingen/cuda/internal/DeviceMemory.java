package io.lingen.cuda.internal;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.accounting.MemoryPool;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The backend's memory. What the device gives is kept as a slab when it is given back, is cut for those who ask for less, and joins again
 * when they return the parts. A block may be given back while work that uses it is under way, for all work is on one stream.
 *
 * <p>The oldest slab with room is taken, at its lowest free address. So a pass that repeats gets the addresses of the pass before, even if
 * that one had to ask the device for slabs: whatever found room in an older one finds it there again. A captured graph needs this.
 *
 * <p>Slabs without a block in use never let the total exceed five quarters of the most that was ever in use, and go first when the
 * device, or the limit, is full. Thread-safe.
 */
public final class DeviceMemory implements MemoryPool, AutoCloseable {
    private static final long ALIGNMENT = 256;
    private static final long LARGEST = Long.MAX_VALUE >> 4;
    /**
     * A block is at least this part of its slab. Else a small tensor that lives long, such as the keys and values of a prompt, would keep
     * a large slab from those that need all of it.
     */
    private static final int SMALLEST_PART = 16;

    private final Source source;
    private final long limit;
    /** The oldest first. */
    private final List<Slab> slabs = new ArrayList<>();

    private long usedBytes;
    private long heldBytes;
    private long mostUsedBytes;
    private long mostHeldBytes;
    private long uses;

    /** Where memory comes from. */
    public interface Source {
        /** The address of new memory, a multiple of 256; 0 if there is not enough. */
        long allocate(long bytes);

        void free(long address);

        /** The bytes that are left, for the message when there is not enough. */
        long freeBytes();
    }

    /** As much as the source has. */
    public DeviceMemory(Source source) {
        this(source, Long.MAX_VALUE);
    }

    /** @param limit the most bytes that are held of the source, as if it had no more */
    public DeviceMemory(Source source, long limit) {
        this.source = source;
        this.limit = limit;
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
        trimTo(0);
        mostUsedBytes = usedBytes;
        mostHeldBytes = heldBytes;
    }

    /** A piece of memory. */
    public static final class Block {
        private final Slab slab;
        private final long offset;
        private final long bytes;

        private Block(Slab slab, long offset, long bytes) {
            this.slab = slab;
            this.offset = offset;
            this.bytes = bytes;
        }

        /** The first byte's address, a multiple of 256. */
        public long address() {
            return slab.address + offset;
        }

        /** The usable bytes, at least as many as were asked for. */
        public long bytes() {
            return bytes;
        }
    }

    /** What the source gave in one piece. */
    private static final class Slab {
        private final long address;
        private final long bytes;
        /** Offset to bytes; no two touch. */
        private final TreeMap<Long, Long> free = new TreeMap<>();

        private long freeBytes;
        private long lastUse;

        Slab(long address, long bytes) {
            this.address = address;
            this.bytes = bytes;
            this.freeBytes = bytes;
            free.put(0L, bytes);
        }

        boolean isUnused() {
            return freeBytes == bytes;
        }

        /** The lowest offset with so much room, -1 if there is none. */
        long take(long size) {
            if (size > freeBytes) {
                return -1;
            }
            for (Map.Entry<Long, Long> gap : free.entrySet()) {
                if (gap.getValue() >= size) {
                    long offset = gap.getKey();
                    long rest = gap.getValue() - size;
                    free.remove(offset);
                    if (rest > 0) {
                        free.put(offset + size, rest);
                    }
                    freeBytes -= size;
                    return offset;
                }
            }
            return -1;
        }

        void giveBack(long offset, long size) {
            long from = offset;
            long to = offset + size;
            Map.Entry<Long, Long> before = free.floorEntry(offset);
            if (before != null && before.getKey() + before.getValue() == offset) {
                from = before.getKey();
            }
            Long after = free.remove(to);
            if (after != null) {
                to += after;
            }
            free.put(from, to - from);
            freeBytes += size;
        }
    }

    /**
     * A block of at least the given size with undefined contents.
     *
     * @throws OutOfMemoryException if the device has not that much, or the limit is reached
     */
    public synchronized Block allocate(long bytes) {
        if (bytes > LARGEST) {
            throw outOfMemory(bytes);
        }
        long size = Math.max(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        Block block = cut(size, SMALLEST_PART);
        if (block == null && grow(size)) {
            block = cut(size, SMALLEST_PART);
        }
        if (block == null) {
            // Better a large slab with a hole than none.
            block = cut(size, Long.MAX_VALUE / size);
        }
        if (block == null) {
            throw outOfMemory(bytes);
        }
        usedBytes += size;
        mostUsedBytes = Math.max(mostUsedBytes, usedBytes);
        return block;
    }

    /** @param most how many times as large as the block the slab may be */
    private @Nullable Block cut(long size, long most) {
        for (Slab slab : slabs) {
            long offset = slab.bytes <= size * most ? slab.take(size) : -1;
            if (offset >= 0) {
                slab.lastUse = ++uses;
                return new Block(slab, offset, size);
            }
        }
        return null;
    }

    /** Takes a slab from the source; false if it has not enough. */
    private boolean grow(long size) {
        long most = Math.max(mostUsedBytes, usedBytes + size);
        trimTo(Math.min(limit, most + most / 4) - size);
        long address = size > limit - heldBytes ? 0 : source.allocate(size);
        if (address == 0) {
            trimTo(0);
            address = size > limit - heldBytes ? 0 : source.allocate(size);
        }
        if (address == 0) {
            return false;
        }
        slabs.add(new Slab(address, size));
        heldBytes += size;
        mostHeldBytes = Math.max(mostHeldBytes, heldBytes);
        return true;
    }

    /** Takes a block back; work that is started from now on must not use it. */
    public synchronized void release(Block block) {
        usedBytes -= block.bytes;
        block.slab.giveBack(block.offset, block.bytes);
        block.slab.lastUse = ++uses;
    }

    /** The bytes of the blocks in use, after rounding. */
    public synchronized long usedBytes() {
        return usedBytes;
    }

    /** The most bytes that were in use at one time since the start or the last reset. */
    public synchronized long mostUsedBytes() {
        return mostUsedBytes;
    }

    /** The bytes that wait for reuse. */
    public synchronized long keptBytes() {
        return heldBytes - usedBytes;
    }

    /** The bytes that can still be had. */
    public synchronized long availableBytes() {
        return Math.min(limit - usedBytes, source.freeBytes() + keptBytes());
    }

    /** Frees what is kept. */
    @Override
    public synchronized void close() {
        trimTo(0);
    }

    /** Gives slabs without a block in use back to the source, those longest unused first, until no more is held than this. */
    private void trimTo(long bytes) {
        if (heldBytes <= bytes) {
            return;
        }
        List<Slab> unused = new ArrayList<>(slabs);
        unused.removeIf(slab -> !slab.isUnused());
        unused.sort(Comparator.comparingLong(slab -> slab.lastUse));
        for (Slab slab : unused) {
            if (heldBytes > bytes) {
                slabs.remove(slab);
                heldBytes -= slab.bytes;
                source.free(slab.address);
            }
        }
    }

    private OutOfMemoryException outOfMemory(long bytes) {
        String left = limit - heldBytes < source.freeBytes()
                ? "its limit is " + (limit >> 20) + " MiB"
                : "the device has " + (source.freeBytes() >> 20) + " MiB left";
        return new OutOfMemoryException("the cuda backend was asked for " + (bytes >> 20) + " MiB while it uses "
                + (usedBytes >> 20) + " MiB and " + left
                + "; a smaller or shorter video, or BF16 instead of F32, needs less");
    }
}
