package io.lingen.cuda.internal.driver;

import java.lang.foreign.MemorySegment;

/**
 * Page-locked memory through which host data goes to the device without waiting: parts are filled in turn, and a part is waited for only
 * when it comes round again. Not thread-safe.
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

    /** Copies host bytes, on the heap or not, to the device. The source may change as soon as this returns. */
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
