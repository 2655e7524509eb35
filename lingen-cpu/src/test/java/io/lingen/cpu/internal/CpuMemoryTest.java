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
import java.util.List;
import org.junit.jupiter.api.Test;

class CpuMemoryTest {
    private static final long MIB = 1 << 20;

    @Test
    void blocksAreAlignedAndLargeEnough() {
        try (CpuMemory memory = new CpuMemory()) {
            for (long bytes : new long[] {0, 1, 63, 64, 65, 4095, 4097, 1_000_003, 5 * MIB + 1}) {
                CpuMemory.Block block = memory.allocate(bytes);
                assertEquals(0, block.address() % Memory.ALIGNMENT);
                assertTrue(block.bytes() >= bytes, block.bytes() + " for " + bytes);
                assertTrue(block.bytes() <= Math.max(4096, bytes * 5 / 4 + 1), block.bytes() + " for " + bytes);
                Memory.clear(block.address(), bytes);
                memory.release(block);
            }
            assertEquals(0, memory.usedBytes());
        }
    }

    @Test
    void aReleasedBlockIsUsedAgain() {
        try (CpuMemory memory = new CpuMemory()) {
            CpuMemory.Block first = memory.allocate(3 * MIB);
            memory.release(first);
            CpuMemory.Block second = memory.allocate(3 * MIB - 100);
            assertSame(first, second);
            memory.release(second);
        }
    }

    @Test
    void whatIsKeptIsBoundedByWhatWasUsed() {
        try (CpuMemory memory = new CpuMemory()) {
            for (int i = 1; i <= 40; i++) {
                memory.release(memory.allocate(i * MIB));
            }
            assertTrue(memory.keptBytes() <= 56 * MIB, memory.keptBytes() + " bytes are kept");
            assertTrue(memory.peakBytes() <= 56 * MIB, memory.peakBytes() + " bytes were held");
        }
    }

    @Test
    void theBookkeepingWithoutMemoryIsThatOfMemory() {
        try (CpuMemory memory = new CpuMemory();
                CpuMemory dry = CpuMemory.withoutMemory()) {
            for (CpuMemory each : List.of(memory, dry)) {
                CpuMemory.Block first = each.allocate(100 * MIB);
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
    void moreThanTheMachineHasIsRefusedAndLeavesTheRestUsable() {
        try (CpuMemory memory = new CpuMemory(10 * MIB)) {
            CpuMemory.Block kept = memory.allocate(6 * MIB);
            OutOfMemoryException refused = assertThrows(OutOfMemoryException.class, () -> memory.allocate(5 * MIB));
            assertTrue(refused.getMessage().contains("5 MiB while 6 of 10 MiB are in use"), refused.getMessage());
            assertThrows(OutOfMemoryException.class, () -> memory.allocate(Long.MAX_VALUE / 2));
            memory.release(memory.allocate(3 * MIB));
            memory.release(kept);
            memory.release(memory.allocate(9 * MIB));
        }
    }

    @Test
    void aWorkspaceMetersItsTensorsAndRefusesThemOnceClosed() {
        MemoryMeter meter = new MemoryMeter();
        try (CpuMemory memory = new CpuMemory()) {
            CpuWorkspace workspace = new CpuWorkspace(memory, meter);
            CpuTensor tensor = workspace.allocate(DType.BF16, 3, 5);
            assertEquals(30, meter.liveBytes());
            Tensor row = tensor.slice(1, 2);
            assertEquals(tensor.address() + 10, ((CpuTensor) row).address());
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
        try (CpuMemory memory = new CpuMemory();
                Scratch scratch = new Scratch(memory)) {
            long first = scratch.bytes(100);
            long mark = scratch.mark();
            long second = scratch.bytes(MIB);
            assertNotEquals(first, second);
            scratch.release(mark);
            assertEquals(second, scratch.bytes(MIB), "the larger block is found again");
            scratch.reset();
            long third = scratch.bytes(MIB);
            assertEquals(Memory.aligned(third), third);
        }
    }
}
