package io.lingen.cuda.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.OutOfMemoryException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The pool over a source that only counts. */
final class DeviceMemoryTest {
    private static final long MIB = 1 << 20;

    private final Map<Long, Long> live = new HashMap<>();
    private long next = 256;
    private long left = 100 * MIB;

    private final DeviceMemory memory = new DeviceMemory(new DeviceMemory.Source() {
        @Override
        public long allocate(long bytes) {
            if (bytes > left) {
                return 0;
            }
            left -= bytes;
            long address = next;
            next += bytes;
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
    });

    @Test
    void aPassThatRepeatsGetsTheSameAddresses() {
        long[] first = pass();
        long[] second = pass();
        for (int i = 0; i < first.length; i++) {
            assertEquals(first[i], second[i]);
        }
    }

    private long[] pass() {
        DeviceMemory.Block a = memory.allocate(3 * MIB);
        DeviceMemory.Block b = memory.allocate(MIB + 1);
        DeviceMemory.Block c = memory.allocate(3 * MIB);
        memory.release(b);
        DeviceMemory.Block d = memory.allocate(MIB);
        memory.release(a);
        memory.release(c);
        memory.release(d);
        return new long[] {a.address(), b.address(), c.address(), d.address()};
    }

    @Test
    void littleIsWastedByRounding() {
        for (long bytes : new long[] {0, 1, 255, 257, 5000, MIB + 1, 1_000_000_007L}) {
            long size = DeviceMemory.sizeClass(bytes);
            assertTrue(size >= bytes && size % 256 == 0, bytes + " becomes " + size);
            assertTrue(size <= Math.max(bytes + 256, bytes * 17 / 16 + 256), bytes + " becomes " + size);
        }
        assertEquals(Long.MAX_VALUE - 1, DeviceMemory.sizeClass(Long.MAX_VALUE - 1));
    }

    @Test
    void whatIsKeptGoesFirstWhenTheDeviceIsFull() {
        DeviceMemory.Block large = memory.allocate(60 * MIB);
        memory.release(large);
        DeviceMemory.Block other = memory.allocate(80 * MIB);
        assertEquals(0, memory.keptBytes());
        OutOfMemoryException refused = assertThrows(OutOfMemoryException.class, () -> memory.allocate(40 * MIB));
        assertTrue(
                refused.getMessage().contains("40 MiB while it uses 80 MiB and the device has 20 MiB left"),
                refused.getMessage());
        assertThrows(OutOfMemoryException.class, () -> memory.allocate(Long.MAX_VALUE / 2));
        memory.release(other);
        assertSame(other, memory.allocate(80 * MIB));
        assertEquals(20 * MIB, memory.availableBytes());
        memory.release(other);
        memory.close();
        assertTrue(live.isEmpty());
        assertEquals(100 * MIB, left);
    }

    @Test
    void whatIsKeptIsBoundedByWhatWasUsed() {
        for (int i = 1; i <= 16; i++) {
            memory.release(memory.allocate(i * MIB));
        }
        assertTrue(memory.keptBytes() <= 24 * MIB, memory.keptBytes() + " bytes are kept");
    }
}
