package io.lingen.cuda.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.OutOfMemoryException;
import io.lingen.cuda.internal.driver.MemorySource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests of the pool with a source of made-up addresses that counts its slabs. */
final class SlabAllocatorTest {
    private static final long MIB = 1 << 20;

    private final CountingSource source = new CountingSource(100 * MIB);
    private final SlabAllocator memory = new SlabAllocator(source);

    private static final class CountingSource implements MemorySource {
        private final Map<Long, Long> live = new HashMap<>();
        private long next = 256;
        private long left;
        private int allocations;

        CountingSource(long bytes) {
            left = bytes;
        }

        @Override
        public long allocate(long bytes) {
            if (bytes > left) {
                return 0;
            }
            allocations++;
            left -= bytes;
            long address = next;
            // Leave a gap between slabs, so that no block can span two of them.
            next += bytes + 256;
            live.put(address, bytes);
            return address;
        }

        @Override
        public void free(long address) {
            left += live.remove(address);
        }

        @Override
        public long freeBytes() {
            return left;
        }
    }

    @Test
    void repeatedPassesGetTheSameAddresses() {
        assertEquals(pass(), pass());
    }

    private List<Long> pass() {
        SlabAllocator.Block a = memory.allocate(3 * MIB);
        SlabAllocator.Block b = memory.allocate(MIB + 1);
        SlabAllocator.Block c = memory.allocate(3 * MIB);
        memory.release(b);
        SlabAllocator.Block d = memory.allocate(MIB);
        memory.release(a);
        memory.release(c);
        memory.release(d);
        return List.of(a.address(), b.address(), c.address(), d.address());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void blocksNeverOverlapAndRepeatedPassesAllocateNoSlab(long seed) {
        CountingSource counting = new CountingSource(1L << 40);
        SlabAllocator large = new SlabAllocator(counting);
        // Blocks that outlive a pass, and slabs kept from other passes.
        Random random = new Random(seed);
        List<SlabAllocator.Block> held = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            SlabAllocator.Block block = large.allocate(1 + random.nextLong(20 * MIB));
            if (random.nextBoolean()) {
                held.add(block);
            } else {
                large.release(block);
            }
        }
        int allocations = 0;
        for (int pass = 0; counting.allocations > allocations; pass++) {
            assertTrue(pass < 8, "each pass allocates new slabs");
            allocations = counting.allocations;
            randomPass(large, seed);
        }
        assertEquals(randomPass(large, seed), randomPass(large, seed));
        assertEquals(allocations, counting.allocations);
        held.forEach(large::release);
        assertEquals(0, large.usedBytes());
        large.close();
        assertEquals(0, large.keptBytes());
    }

    private static List<Long> randomPass(SlabAllocator memory, long seed) {
        Random random = new Random(seed);
        List<Long> addresses = new ArrayList<>();
        List<SlabAllocator.Block> live = new ArrayList<>();
        TreeMap<Long, Long> ends = new TreeMap<>();
        for (int i = 0; i < 400; i++) {
            if (random.nextInt(3) > 0) {
                SlabAllocator.Block block = memory.allocate(random.nextLong(1L << (8 + random.nextInt(18))));
                long from = block.address();
                long to = from + block.bytes();
                assertEquals(0, from % 256);
                Map.Entry<Long, Long> before = ends.lowerEntry(to);
                assertTrue(before == null || before.getValue() <= from, "two blocks overlap");
                ends.put(from, to);
                live.add(block);
                addresses.add(from);
            } else if (!live.isEmpty()) {
                SlabAllocator.Block block = live.remove(random.nextInt(live.size()));
                ends.remove(block.address());
                memory.release(block);
            }
        }
        live.forEach(memory::release);
        return addresses;
    }

    @Test
    void slabsAreSplitAndMerged() {
        SlabAllocator.Block whole = memory.allocate(32 * MIB);
        memory.release(whole);
        List<SlabAllocator.Block> parts = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            parts.add(memory.allocate(8 * MIB));
            assertEquals(whole.address() + 8 * MIB * i, parts.get(i).address());
        }
        // Release in an order that merges free blocks on either side.
        for (int i : new int[] {0, 2, 1, 3}) {
            memory.release(parts.get(i));
        }
        assertEquals(whole.address(), memory.allocate(32 * MIB).address());
        assertEquals(0, memory.keptBytes());
        assertEquals(32 * MIB, memory.peakBytes());
    }

    @Test
    void slabsThatAreTooSmallAreFreed() {
        SlabAllocator.Block first = memory.allocate(20 * MIB);
        memory.release(memory.allocate(2 * MIB));
        memory.release(first);
        SlabAllocator.Block large = memory.allocate(30 * MIB);
        assertEquals(2 * MIB, memory.keptBytes(), "much smaller slabs are kept for small tensors");
        memory.release(large);
        assertEquals(large.address(), memory.allocate(20 * MIB).address());
        assertEquals(2, source.live.size());
    }

    @Test
    void smallTensorsDoNotSplitLargeSlabs() {
        SlabAllocator.Block large = memory.allocate(64 * MIB);
        memory.release(large);
        SlabAllocator.Block small = memory.allocate(MIB);
        assertEquals(large.address(), memory.allocate(64 * MIB).address());
        assertNotEquals(0, small.address());
    }

    @Test
    void largeSlabsAreSplitBeforeAnAllocationFails() {
        SlabAllocator.Block large = memory.allocate(99 * MIB);
        SlabAllocator.Block other = memory.allocate(MIB);
        memory.release(large);
        SlabAllocator.Block most = memory.allocate(90 * MIB);
        SlabAllocator.Block small = memory.allocate(MIB);
        assertEquals(most.address() + 90 * MIB, small.address());
        memory.release(most);
        memory.release(small);
        memory.release(other);
    }

    @Test
    void keptSlabsAreFreedWhenTheDeviceIsFull() {
        SlabAllocator.Block large = memory.allocate(60 * MIB);
        memory.release(large);
        SlabAllocator.Block other = memory.allocate(80 * MIB);
        assertEquals(0, memory.keptBytes());
        OutOfMemoryException refused = assertThrows(OutOfMemoryException.class, () -> memory.allocate(40 * MIB));
        assertTrue(
                refused.getMessage().contains("requested 40 MiB, in use 80 MiB, free on the device 20 MiB"),
                refused.getMessage());
        assertThrows(OutOfMemoryException.class, () -> memory.allocate(Long.MAX_VALUE / 2));
        memory.release(other);
        assertEquals(other.address(), memory.allocate(80 * MIB).address());
        assertEquals(20 * MIB, memory.availableBytes());
        memory.release(other);
        memory.close();
        assertTrue(source.live.isEmpty());
        assertEquals(100 * MIB, source.left);
    }

    @Test
    void memoryLimitActsLikeAFullDevice() {
        SlabAllocator limited = new SlabAllocator(source, 50 * MIB);
        limited.release(limited.allocate(20 * MIB));
        assertEquals(50 * MIB, limited.availableBytes());
        SlabAllocator.Block block = limited.allocate(40 * MIB);
        assertEquals(60 * MIB, source.left, "kept slabs are freed first");
        OutOfMemoryException refused = assertThrows(OutOfMemoryException.class, () -> limited.allocate(11 * MIB));
        assertTrue(
                refused.getMessage().contains("requested 11 MiB, in use 40 MiB, limit 50 MiB"), refused.getMessage());
        assertEquals(10 * MIB, limited.availableBytes());
        limited.release(limited.allocate(10 * MIB));
        limited.release(block);
        limited.close();
        assertEquals(100 * MIB, source.left);
    }

    @Test
    void keptMemoryIsBoundedByTheUsedMemory() {
        for (int i = 1; i <= 16; i++) {
            memory.release(memory.allocate(i * MIB));
        }
        assertTrue(memory.keptBytes() <= 20 * MIB, memory.keptBytes() + " bytes are kept");
        memory.resetPeak();
        assertEquals(0, memory.peakBytes());
    }
}
