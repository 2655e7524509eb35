package io.lingen.cuda.internal;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.spi.pool.BlockAllocator;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cuda.internal.driver.MemorySource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The backend's memory. What the device gives is kept as a slab when it is given back, is cut for those who ask for less, and joins again
 * when they return the parts. A block may be given back while work that uses it is under way, for all work is on one stream.
 *
 * <p>The oldest slab with room is taken, at its lowest free address, so a pass that repeats gets the addresses of the pass before. A
 * captured graph needs this. Where the device has to be asked, a slab that is not in use gives way to the larger one, which can stand for
 * it: slabs become larger rather than more, until after a pass or two all is there.
 *
 * <p>Slabs without a block in use go when the device, or the limit, is full; and when the total would exceed the most that was ever in use
 * by more than an eighth: then another kind of work has begun, decoding after denoising, which needs others. Thread-safe.
 */
public final class SlabAllocator implements BlockAllocator<SlabAllocator.Block>, AutoCloseable {
    private static final long ALIGNMENT = 256;
    private static final long LARGEST = Long.MAX_VALUE >> 4;
    /**
     * A block is at least this part of its slab. Else a small tensor that lives long, such as the keys and values of a prompt, would keep
     * a large slab from those that need all of it.
     */
    private static final int SMALLEST_PART = 16;
    /** A slab can stand for one of this part of it. */
    private static final int SIMILAR = 4;
    /** Which part of the most that was ever in use may be held beside it. */
    private static final int KEPT_PART = 8;
    /** In blocks taken: some passes of a large model. Work that needs more than the bound settles within. */
    private static final long SHORT_WHILE = 10_000;

    private final MemorySource source;
    private final long limit;
    /** By number, the oldest first. */
    private final TreeMap<Long, Slab> slabs = new TreeMap<>();

    private long usedBytes;
    private long heldBytes;
    private long mostUsedBytes;
    private long mostHeldBytes;
    private long made;
    private long uses;
    private long lastTrim = -SHORT_WHILE - 1;
    private volatile @Nullable CaptureFootprint tracked;

    /** As much as the source has. */
    public SlabAllocator(MemorySource source) {
        this(source, Long.MAX_VALUE);
    }

    /** @param limit the most bytes that are held of the source, as if it had no more */
    public SlabAllocator(MemorySource source, long limit) {
        this.source = source;
        this.limit = limit;
    }

    /** A pool for dry runs: the same bookkeeping without memory. Its addresses can't be used. */
    public static SlabAllocator withoutMemory() {
        return new SlabAllocator(new MemorySource() {
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
    public boolean isHostMemory() {
        return false;
    }

    @Override
    public synchronized long peakBytes() {
        return mostHeldBytes;
    }

    @Override
    public synchronized void resetPeak() {
        trim();
        mostUsedBytes = usedBytes;
        mostHeldBytes = heldBytes;
    }

    /** A piece of memory. */
    public static final class Block implements MemoryBlock {
        private final Slab slab;
        private final long offset;
        private final long bytes;

        private Block(Slab slab, long offset, long bytes) {
            this.slab = slab;
            this.offset = offset;
            this.bytes = bytes;
        }

        /** The first byte's address, a multiple of 256. */
        @Override
        public long address() {
            return slab.address + offset;
        }

        /** The usable bytes, at least as many as were asked for. */
        @Override
        public long bytes() {
            return bytes;
        }
    }

    /** What the source gave in one piece. */
    private static final class Slab {
        private final long number;
        private final long address;
        private final long bytes;
        /** Offset to bytes; no two touch. */
        private final TreeMap<Long, Long> free = new TreeMap<>();

        private long freeBytes;
        private boolean gone;

        Slab(long number, long address, long bytes) {
            this.number = number;
            this.address = address;
            this.bytes = bytes;
            this.freeBytes = bytes;
            free.put(0L, bytes);
        }

        boolean isUnused() {
            return freeBytes == bytes;
        }

        boolean isFree(long offset, long size) {
            Map.Entry<Long, Long> gap = free.floorEntry(offset);
            return !gone && gap != null && gap.getKey() + gap.getValue() >= offset + size;
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
     * @throws PoolExhaustedException if this thread's work is captured, and the device had to be asked
     */
    @Override
    public synchronized Block allocate(long bytes) {
        if (bytes > LARGEST) {
            throw outOfMemory(bytes);
        }
        long size = Math.max(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        CaptureFootprint footprint = tracked();
        Block block = cut(size, SMALLEST_PART);
        if (block == null && footprint != null) {
            throw new PoolExhaustedException();
        }
        if (block == null && grow(size)) {
            block = cut(size, SMALLEST_PART);
        }
        if (block == null) {
            // Fall back to any slab that fits.
            block = cut(size, Long.MAX_VALUE / size);
        }
        if (block == null) {
            throw outOfMemory(bytes);
        }
        usedBytes += size;
        mostUsedBytes = Math.max(mostUsedBytes, usedBytes);
        if (footprint != null) {
            footprint.taken(block);
        }
        return block;
    }

    /** @param most how many times as large as the block the slab may be */
    private @Nullable Block cut(long size, long most) {
        for (Slab slab : slabs.values()) {
            long offset = slab.bytes <= size * most ? slab.take(size) : -1;
            if (offset >= 0) {
                uses++;
                return new Block(slab, offset, size);
            }
        }
        return null;
    }

    /** Takes a slab from the source; false if it has not enough. */
    private boolean grow(long size) {
        long number = replaceSimilarSlab(size);
        long most = Math.max(mostUsedBytes, usedBytes + size);
        if (heldBytes + size > most + most / KEPT_PART && uses - lastTrim > SHORT_WHILE) {
            trim();
            lastTrim = uses;
        }
        long address = size > limit - heldBytes ? 0 : source.allocate(size);
        if (address == 0) {
            trim();
            address = size > limit - heldBytes ? 0 : source.allocate(size);
        }
        if (address == 0) {
            return false;
        }
        slabs.put(number, new Slab(number, address, size));
        heldBytes += size;
        mostHeldBytes = Math.max(mostHeldBytes, heldBytes);
        return true;
    }

    /**
     * Gives the largest unused slab back that the new one can stand for; what was cut from it is cut from the new one from then on.
     *
     * @return the new one's number
     */
    private long replaceSimilarSlab(long size) {
        Slab largest = null;
        for (Slab slab : slabs.values()) {
            boolean similar = slab.bytes < size && slab.bytes >= size / SIMILAR;
            if (similar && slab.isUnused() && (largest == null || slab.bytes > largest.bytes)) {
                largest = slab;
            }
        }
        if (largest == null) {
            return made++;
        }
        giveUp(largest);
        return largest.number;
    }

    /** Takes a block back; work that is started from now on must not use it. */
    @Override
    public synchronized void release(Block block) {
        usedBytes -= block.bytes;
        block.slab.giveBack(block.offset, block.bytes);
        CaptureFootprint footprint = tracked();
        if (footprint != null) {
            footprint.released();
        }
    }

    /** Work that is captured would need memory that is not here now; it may be another time. */
    static final class PoolExhaustedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        PoolExhaustedException() {
            super("memory that the pool has not got can't be part of a graph");
        }
    }

    /** Runs work within {@link io.lingen.cuda.internal.driver.Device#capture}; what it does with the memory is noted in the footprint. */
    void trackDuring(CaptureFootprint footprint, Runnable work) {
        tracked = footprint;
        try {
            work.run();
        } finally {
            tracked = null;
        }
    }

    private @Nullable CaptureFootprint tracked() {
        CaptureFootprint footprint = tracked;
        return footprint != null && footprint.isOfThisThread() ? footprint : null;
    }

    /** Notes that work uses a tensor of a workspace: the hook for {@link PooledWorkspace}. */
    public void touched(PooledWorkspace workspace) {
        CaptureFootprint footprint = tracked();
        if (footprint != null) {
            footprint.touched(workspace);
        }
    }

    /**
     * Starts work that was captured if nobody has what it used, and not otherwise. It may use that: whoever takes it next does so later on
     * the stream.
     *
     * @return whether it was started
     */
    synchronized boolean startIfFree(CaptureFootprint footprint, Runnable start) {
        for (Block block : footprint.scratch()) {
            if (!block.slab.isFree(block.offset, block.bytes)) {
                return false;
            }
        }
        uses += footprint.takenCount();
        start.run();
        return true;
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
        trim();
    }

    /** Gives slabs without a block in use back to the source. */
    private void trim() {
        List<Slab> unused = new ArrayList<>(slabs.values());
        unused.removeIf(slab -> !slab.isUnused());
        unused.forEach(this::giveUp);
    }

    private void giveUp(Slab slab) {
        slabs.remove(slab.number);
        slab.gone = true;
        heldBytes -= slab.bytes;
        source.free(slab.address);
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
