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

/** The pool over a source that only counts. */
final class SlabAllocatorTest {
    private static final long MIB = 1 << 20;

    private final CountedSource source = new CountedSource(100 * MIB);
    private final SlabAllocator memory = new SlabAllocator(source);

    private static final class CountedSource implements MemorySource {
        private final Map<Long, Long> live = new HashMap<>();
        private long next = 256;
        private long left;
        private int asked;

        CountedSource(long bytes) {
            left = bytes;
        }

        @Override
        public long allocate(long bytes) {
            if (bytes > left) {
                return 0;
            }
            asked++;
            left -= bytes;
            long address = next;
            // No two slabs touch: a block that reaches beyond its own would show.
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
    void aPassThatRepeatsGetsTheSameAddresses() {
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
    void whateverAPassAsksForItsBlocksLieApartAndTheNextPassFindsThemAgain(long seed) {
        CountedSource counted = new CountedSource(1L << 40);
        SlabAllocator large = new SlabAllocator(counted);
        // What lives longer than a pass, and what other passes left behind.
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
        int asked = 0;
        for (int pass = 0; counted.asked > asked; pass++) {
            assertTrue(pass < 8, "the device is asked again and again");
            asked = counted.asked;
            randomPass(large, seed);
        }
        assertEquals(randomPass(large, seed), randomPass(large, seed));
        assertEquals(asked, counted.asked);
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
    void aSlabIsCutAndJoinsAgain() {
        SlabAllocator.Block whole = memory.allocate(32 * MIB);
        memory.release(whole);
        List<SlabAllocator.Block> parts = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            parts.add(memory.allocate(8 * MIB));
            assertEquals(whole.address() + 8 * MIB * i, parts.get(i).address());
        }
        // Back in an order in which gaps grow on either side.
        for (int i : new int[] {0, 2, 1, 3}) {
            memory.release(parts.get(i));
        }
        assertEquals(whole.address(), memory.allocate(32 * MIB).address());
        assertEquals(0, memory.keptBytes());
        assertEquals(32 * MIB, memory.peakBytes());
    }

    @Test
    void aSlabThatIsTooSmallGivesWay() {
        SlabAllocator.Block first = memory.allocate(20 * MIB);
        memory.release(memory.allocate(2 * MIB));
        memory.release(first);
        SlabAllocator.Block large = memory.allocate(30 * MIB);
        assertEquals(2 * MIB, memory.keptBytes(), "what is much smaller stays: small tensors are cut from it");
        memory.release(large);
        assertEquals(large.address(), memory.allocate(20 * MIB).address());
        assertEquals(2, source.live.size());
    }

    @Test
    void smallTensorsStayOutOfLargeSlabs() {
        SlabAllocator.Block large = memory.allocate(64 * MIB);
        memory.release(large);
        SlabAllocator.Block small = memory.allocate(MIB);
        assertEquals(large.address(), memory.allocate(64 * MIB).address());
        assertNotEquals(0, small.address());
    }

    @Test
    void aLargeSlabIsCutForASmallTensorBeforeItIsRefused() {
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
    void whatIsKeptGoesFirstWhenTheDeviceIsFull() {
        SlabAllocator.Block large = memory.allocate(60 * MIB);
        memory.release(large);
        SlabAllocator.Block other = memory.allocate(80 * MIB);
        assertEquals(0, memory.keptBytes());
        OutOfMemoryException refused = assertThrows(OutOfMemoryException.class, () -> memory.allocate(40 * MIB));
        assertTrue(
                refused.getMessage().contains("40 MiB while it uses 80 MiB and the device has 20 MiB left"),
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
    void aLimitIsAsAFullDevice() {
        SlabAllocator limited = new SlabAllocator(source, 50 * MIB);
        limited.release(limited.allocate(20 * MIB));
        assertEquals(50 * MIB, limited.availableBytes());
        SlabAllocator.Block block = limited.allocate(40 * MIB);
        assertEquals(60 * MIB, source.left, "what was kept went first");
        OutOfMemoryException refused = assertThrows(OutOfMemoryException.class, () -> limited.allocate(11 * MIB));
        assertTrue(
                refused.getMessage().contains("11 MiB while it uses 40 MiB and its limit is 50 MiB"),
                refused.getMessage());
        assertEquals(10 * MIB, limited.availableBytes());
        limited.release(limited.allocate(10 * MIB));
        limited.release(block);
        limited.close();
        assertEquals(100 * MIB, source.left);
    }

    @Test
    void whatIsKeptIsBoundedByWhatWasUsed() {
        for (int i = 1; i <= 16; i++) {
            memory.release(memory.allocate(i * MIB));
        }
        assertTrue(memory.keptBytes() <= 20 * MIB, memory.keptBytes() + " bytes are kept");
        memory.resetPeak();
        assertEquals(0, memory.peakBytes());
    }
}
