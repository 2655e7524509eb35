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
 * An allocator of device memory. It keeps the memory of the device in slabs, splits them into blocks, and merges freed blocks. A block may
 * be freed while work uses it, because all work runs on one stream.
 *
 * <p>A block is allocated in the oldest slab with enough room, at its lowest free address. A repeated pass therefore gets the same
 * addresses, which a captured graph needs. When a new slab is allocated, the largest similar unused slab is freed, since the new one can
 * replace it. After one or two passes, slabs are large enough for all allocations.
 *
 * <p>Unused slabs are freed when the device or the limit is full. They are also freed when all slabs would exceed the peak use by more than
 * an eighth: another kind of work has begun, such as decoding after denoising, which needs other sizes. Thread-safe.
 */
public final class SlabAllocator implements BlockAllocator<SlabAllocator.Block>, AutoCloseable {
    private static final long ALIGNMENT = 256;
    private static final long MAX_BYTES = Long.MAX_VALUE >> 4;
    /**
     * The largest ratio of a slab to a block. It keeps small tensors with a long lifetime, such as the keys and values of a prompt, out of
     * large slabs, where they would block larger tensors.
     */
    private static final int MAX_RATIO = 16;
    /** The largest ratio of a new slab to a slab that it replaces. */
    private static final int SIMILAR_RATIO = 4;
    /** The part of the peak use that slabs may exceed it by. */
    private static final int KEPT_PART = 8;
    /** The smallest number of allocations between two trims, a few passes of a large model. It lets work with larger needs settle. */
    private static final long TRIM_INTERVAL = 10_000;

    private final MemorySource source;
    private final long limit;
    /** The slabs by number, the oldest first. */
    private final TreeMap<Long, Slab> slabs = new TreeMap<>();

    private long usedBytes;
    private long heldBytes;
    private long peakUsedBytes;
    private long peakHeldBytes;
    private long nextNumber;
    private long allocations;
    private long lastTrim = -TRIM_INTERVAL - 1;
    private volatile @Nullable CaptureFootprint tracked;

    /**
     * Creates an allocator without a limit.
     *
     * @param source the source of slabs
     */
    public SlabAllocator(MemorySource source) {
        this(source, Long.MAX_VALUE);
    }

    /**
     * Creates an allocator.
     *
     * @param source the source of slabs
     * @param limit the largest size of all slabs in bytes
     */
    public SlabAllocator(MemorySource source, long limit) {
        this.source = source;
        this.limit = limit;
    }

    /** {@return an allocator with the same policy but without memory, for dry runs} Its addresses must not be used. */
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
        return peakHeldBytes;
    }

    @Override
    public synchronized void resetPeak() {
        trim();
        peakUsedBytes = usedBytes;
        peakHeldBytes = heldBytes;
    }

    /** A part of a slab. */
    public static final class Block implements MemoryBlock {
        private final Slab slab;
        private final long offset;
        private final long bytes;

        private Block(Slab slab, long offset, long bytes) {
            this.slab = slab;
            this.offset = offset;
            this.bytes = bytes;
        }

        /** {@return the address of the first byte, a multiple of 256} */
        @Override
        public long address() {
            return slab.address + offset;
        }

        @Override
        public long bytes() {
            return bytes;
        }
    }

    /** A piece of memory of the source. */
    private static final class Slab {
        private final long number;
        private final long address;
        private final long bytes;
        /** The sizes of the gaps by offset. Gaps are not adjacent. */
        private final TreeMap<Long, Long> gaps = new TreeMap<>();

        private long freeBytes;
        private boolean freed;

        Slab(long number, long address, long bytes) {
            this.number = number;
            this.address = address;
            this.bytes = bytes;
            this.freeBytes = bytes;
            gaps.put(0L, bytes);
        }

        boolean isUnused() {
            return freeBytes == bytes;
        }

        boolean isFree(long offset, long size) {
            Map.Entry<Long, Long> gap = gaps.floorEntry(offset);
            return !freed && gap != null && gap.getKey() + gap.getValue() >= offset + size;
        }

        /** Allocates at the lowest offset with enough room. Returns the offset, or -1 if there is no room. */
        long take(long size) {
            if (size > freeBytes) {
                return -1;
            }
            for (Map.Entry<Long, Long> gap : gaps.entrySet()) {
                if (gap.getValue() >= size) {
                    long offset = gap.getKey();
                    long rest = gap.getValue() - size;
                    gaps.remove(offset);
                    if (rest > 0) {
                        gaps.put(offset + size, rest);
                    }
                    freeBytes -= size;
                    return offset;
                }
            }
            return -1;
        }

        void release(long offset, long size) {
            long from = offset;
            long to = offset + size;
            Map.Entry<Long, Long> before = gaps.floorEntry(offset);
            if (before != null && before.getKey() + before.getValue() == offset) {
                from = before.getKey();
            }
            Long after = gaps.remove(to);
            if (after != null) {
                to += after;
            }
            gaps.put(from, to - from);
            freeBytes += size;
        }
    }

    /**
     * {@return a block with undefined contents}
     *
     * @param bytes the requested size, at least 0
     * @throws OutOfMemoryException if the device has too little memory, or the limit is reached
     * @throws PoolExhaustedException if the work of this thread is captured, and the request needs a new slab
     */
    @Override
    public synchronized Block allocate(long bytes) {
        if (bytes > MAX_BYTES) {
            throw outOfMemory(bytes);
        }
        long size = Math.max(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        CaptureFootprint footprint = tracked();
        Block block = split(size, MAX_RATIO);
        if (block == null && footprint != null) {
            throw new PoolExhaustedException();
        }
        if (block == null && grow(size)) {
            block = split(size, MAX_RATIO);
        }
        if (block == null) {
            // Fall back to any slab that fits.
            block = split(size, Long.MAX_VALUE / size);
        }
        if (block == null) {
            throw outOfMemory(bytes);
        }
        usedBytes += size;
        peakUsedBytes = Math.max(peakUsedBytes, usedBytes);
        if (footprint != null) {
            footprint.taken(block);
        }
        return block;
    }

    /** Returns a block of a slab that is at most {@code maxRatio} times as large, or null if none has room. */
    private @Nullable Block split(long size, long maxRatio) {
        for (Slab slab : slabs.values()) {
            long offset = slab.bytes <= size * maxRatio ? slab.take(size) : -1;
            if (offset >= 0) {
                allocations++;
                return new Block(slab, offset, size);
            }
        }
        return null;
    }

    /** Allocates a slab. Returns false if the source has too little memory. */
    private boolean grow(long size) {
        long number = replaceSimilarSlab(size);
        long peak = Math.max(peakUsedBytes, usedBytes + size);
        if (heldBytes + size > peak + peak / KEPT_PART && allocations - lastTrim > TRIM_INTERVAL) {
            trim();
            lastTrim = allocations;
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
        peakHeldBytes = Math.max(peakHeldBytes, heldBytes);
        return true;
    }

    /**
     * Frees the largest similar unused slab, which a new slab will replace.
     *
     * @return the number of the new slab: that of the freed one, or else the next
     */
    private long replaceSimilarSlab(long size) {
        Slab largest = null;
        for (Slab slab : slabs.values()) {
            boolean similar = slab.bytes < size && slab.bytes >= size / SIMILAR_RATIO;
            if (similar && slab.isUnused() && (largest == null || slab.bytes > largest.bytes)) {
                largest = slab;
            }
        }
        if (largest == null) {
            return nextNumber++;
        }
        free(largest);
        return largest.number;
    }

    @Override
    public synchronized void release(Block block) {
        usedBytes -= block.bytes;
        block.slab.release(block.offset, block.bytes);
        CaptureFootprint footprint = tracked();
        if (footprint != null) {
            footprint.released();
        }
    }

    /** Thrown when captured work needs a new slab. A later capture may succeed. */
    static final class PoolExhaustedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        PoolExhaustedException() {
            super("captured work must use memory of the pool, found a request that needs a new slab");
        }
    }

    /** Runs work within {@link io.lingen.cuda.internal.driver.Device#capture} and records the memory that it uses. */
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

    /**
     * Records the use of a tensor. Called by {@link PooledWorkspace}.
     *
     * @param workspace the workspace of the tensor
     */
    public void touched(PooledWorkspace workspace) {
        CaptureFootprint footprint = tracked();
        if (footprint != null) {
            footprint.touched(workspace);
        }
    }

    /**
     * Starts captured work if all of its blocks are free. Later users of these blocks come later on the stream.
     *
     * @return whether the work was started
     */
    synchronized boolean startIfFree(CaptureFootprint footprint, Runnable start) {
        for (Block block : footprint.scratch()) {
            if (!block.slab.isFree(block.offset, block.bytes)) {
                return false;
            }
        }
        allocations += footprint.takenCount();
        start.run();
        return true;
    }

    /** {@return the number of bytes of the blocks in use, after rounding} */
    public synchronized long usedBytes() {
        return usedBytes;
    }

    /** {@return the peak of {@link #usedBytes} since the start or the last reset} */
    public synchronized long peakUsedBytes() {
        return peakUsedBytes;
    }

    /** {@return the number of bytes kept for reuse} */
    public synchronized long keptBytes() {
        return heldBytes - usedBytes;
    }

    /** {@return the number of bytes available for new blocks} */
    public synchronized long availableBytes() {
        return Math.min(limit - usedBytes, source.freeBytes() + keptBytes());
    }

    /** Frees the unused slabs. */
    @Override
    public synchronized void close() {
        trim();
    }

    private void trim() {
        List<Slab> unused = new ArrayList<>(slabs.values());
        unused.removeIf(slab -> !slab.isUnused());
        unused.forEach(this::free);
    }

    private void free(Slab slab) {
        slabs.remove(slab.number);
        slab.freed = true;
        heldBytes -= slab.bytes;
        source.free(slab.address);
    }

    private OutOfMemoryException outOfMemory(long bytes) {
        String bound = limit - heldBytes < source.freeBytes()
                ? "limit " + (limit >> 20) + " MiB"
                : "free on the device " + (source.freeBytes() >> 20) + " MiB";
        return new OutOfMemoryException("the cuda backend has too little memory: requested " + (bytes >> 20)
                + " MiB, in use " + (usedBytes >> 20) + " MiB, " + bound
                + "; make a smaller or shorter video, or use BF16");
    }
}
