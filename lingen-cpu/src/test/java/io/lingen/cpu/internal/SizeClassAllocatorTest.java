package io.lingen.cpu.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.Tensor;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import java.util.List;
import org.junit.jupiter.api.Test;

class SizeClassAllocatorTest {
    private static final long MIB = 1 << 20;

    @Test
    void blocksAreAlignedAndLargeEnough() {
        try (SizeClassAllocator memory = new SizeClassAllocator()) {
            for (long bytes : new long[] {0, 1, 63, 64, 65, 4095, 4097, 1_000_003, 5 * MIB + 1}) {
                SizeClassAllocator.Block block = memory.allocate(bytes);
                assertEquals(0, block.address() % RawMemory.ALIGNMENT);
                assertTrue(block.bytes() >= bytes, block.bytes() + " for " + bytes);
                assertTrue(block.bytes() <= Math.max(4096, bytes * 5 / 4 + 1), block.bytes() + " for " + bytes);
                RawMemory.clear(block.address(), bytes);
                memory.release(block);
            }
            assertEquals(0, memory.usedBytes());
        }
    }

    @Test
    void releasedBlocksAreReused() {
        try (SizeClassAllocator memory = new SizeClassAllocator()) {
            SizeClassAllocator.Block first = memory.allocate(3 * MIB);
            memory.release(first);
            SizeClassAllocator.Block second = memory.allocate(3 * MIB - 100);
            assertSame(first, second);
            memory.release(second);
        }
    }

    @Test
    void keptBytesAreBoundedByThePeak() {
        try (SizeClassAllocator memory = new SizeClassAllocator()) {
            for (int i = 1; i <= 40; i++) {
                memory.release(memory.allocate(i * MIB));
            }
            assertTrue(memory.keptBytes() <= 56 * MIB, memory.keptBytes() + " bytes are kept");
            assertTrue(memory.peakBytes() <= 56 * MIB, memory.peakBytes() + " bytes were held");
        }
    }

    @Test
    void accountingIsTheSameWithoutMemory() {
        try (SizeClassAllocator memory = new SizeClassAllocator();
                SizeClassAllocator dry = SizeClassAllocator.withoutMemory()) {
            for (SizeClassAllocator each : List.of(memory, dry)) {
                SizeClassAllocator.Block first = each.allocate(100 * MIB);
                each.release(each.allocate(30 * MIB));
                each.release(first);
                each.release(each.allocate(7 * MIB));
                each.release(each.allocate(90 * MIB));
            }
            assertEquals(memory.peakBytes(), dry.peakBytes());
            assertEquals(memory.keptBytes(), dry.keptBytes());
            dry.resetPeak();
            assertEquals(0, dry.peakBytes());
            dry.release(dry.allocate(1L << 50));
        }
    }

    @Test
    void oversizedRequestsAreRejectedWithoutSideEffects() {
        try (SizeClassAllocator memory = new SizeClassAllocator(10 * MIB)) {
            SizeClassAllocator.Block kept = memory.allocate(6 * MIB);
            OutOfMemoryException error = assertThrows(OutOfMemoryException.class, () -> memory.allocate(5 * MIB));
            assertTrue(error.getMessage().contains("requested 5 MiB, in use 6 of 10 MiB"), error.getMessage());
            assertThrows(OutOfMemoryException.class, () -> memory.allocate(Long.MAX_VALUE / 2));
            memory.release(memory.allocate(3 * MIB));
            memory.release(kept);
            memory.release(memory.allocate(9 * MIB));
        }
    }

    @Test
    void workspaceCountsItsTensorsUntilItIsClosed() {
        MemoryMeter meter = new MemoryMeter();
        try (SizeClassAllocator memory = new SizeClassAllocator()) {
            PooledWorkspace workspace = new PooledWorkspace(memory, meter);
            PooledTensor tensor = workspace.allocate(DType.BF16, 3, 5);
            assertEquals(30, meter.liveBytes());
            Tensor row = tensor.slice(1, 2);
            assertEquals(tensor.address() + 10, ((PooledTensor) row).address());
            assertEquals(10, row.byteSize());
            workspace.close();
            workspace.close();
            assertEquals(0, meter.liveBytes());
            assertEquals(0, memory.usedBytes());
            assertThrows(IllegalStateException.class, tensor::address);
            assertThrows(IllegalStateException.class, row::hostMemory);
            assertThrows(IllegalStateException.class, () -> workspace.allocate(DType.F32, 1));
        }
    }

    @Test
    void scratchIsAStack() {
        try (SizeClassAllocator memory = new SizeClassAllocator();
                Scratch scratch = new Scratch(memory)) {
            long first = scratch.bytes(100);
            long mark = scratch.mark();
            long second = scratch.bytes(MIB);
            assertNotEquals(first, second);
            scratch.release(mark);
            assertEquals(second, scratch.bytes(MIB), "the larger block is reused");
            scratch.reset();
            long third = scratch.bytes(MIB);
            assertEquals(RawMemory.aligned(third), third);
        }
    }
}
