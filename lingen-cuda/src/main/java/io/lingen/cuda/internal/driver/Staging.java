package io.lingen.cuda.internal.driver;

import java.lang.foreign.MemorySegment;

/**
 * A ring of page-locked buffers for uploads. A copy fills the buffers in turn, and waits only for a buffer that the device still reads. Not
 * thread-safe.
 */
final class Staging {
    private static final int PARTS = 16;

    private final Driver driver;
    private final long partBytes;
    private final MemorySegment memory;
    private final long[] events = new long[PARTS];
    private int part;
    private long used;

    Staging(Driver driver, long partBytes) {
        this.driver = driver;
        this.partBytes = partBytes;
        this.memory = driver.allocateHost(PARTS * partBytes);
        for (int i = 0; i < PARTS; i++) {
            events[i] = driver.createEvent(false);
        }
    }

    /** Copies host bytes to the device. The source may change after this method returns. */
    void copy(MemorySegment source, long target, long stream) {
        long bytes = source.byteSize();
        for (long done = 0; done < bytes; ) {
            if (used == partBytes) {
                driver.record(events[part], stream);
                part = (part + 1) % PARTS;
                used = 0;
                driver.waitFor(events[part]);
            }
            long count = Math.min(bytes - done, partBytes - used);
            MemorySegment slot = memory.asSlice(part * partBytes + used, count);
            MemorySegment.copy(source, done, slot, 0, count);
            driver.copyToDevice(target + done, slot, count, stream);
            done += count;
            used += count;
        }
    }

    void close() {
        for (long event : events) {
            driver.destroyEvent(event);
        }
        driver.freeHost(memory);
    }
}
