package io.lingen.cuda.internal.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests of the device and of its bindings on the emulated driver: errors, memory, captures, and uploads larger than the staging memory. */
@SuppressWarnings("restricted")
final class DeviceTest {
    @TempDir
    Path folder;

    private SymbolLookup library = SymbolLookup.loaderLookup();

    @BeforeEach
    void load() {
        library = Emulation.library();
    }

    @AfterEach
    void restore() {
        Emulation.restore();
    }

    @Test
    void propertiesAreReadFromTheDevice() {
        DeviceProperties properties = Device.properties(name -> library);
        assertEquals("emulated device", properties.name());
        assertEquals(Emulation.BYTES, properties.totalBytes());
        assertEquals(13000, properties.driverVersion());
        assertEquals(232448, properties.sharedBytesPerBlock());
    }

    @Test
    void missingAndOldDevicesAreRejected() throws Throwable {
        Emulation.configure(0, 9, 0, Emulation.BYTES);
        String message = assertThrows(IllegalStateException.class, () -> Device.properties(name -> library))
                .getMessage();
        assertTrue(message.contains("no CUDA-capable device is detected"), message);
        Emulation.configure(1, 7, 5, Emulation.BYTES);
        message = assertThrows(IllegalStateException.class, () -> Device.properties(name -> library))
                .getMessage();
        assertTrue(message.contains("compute capability must be 8.0 or newer, found 7.5"), message);
    }

    @Test
    void unknownDevicesUseAnEarlierArchitectureOrAreRejected() throws Throwable {
        Nvrtc nvrtc = new Nvrtc(library);
        assertEquals(List.of("sm_80", "sm_86", "sm_90", "sm_100", "sm_120"), nvrtc.architectures());
        assertEquals("sm_86", nvrtc.architectureFor(8, 6));
        assertEquals("sm_86", nvrtc.architectureFor(8, 9));
        assertEquals("sm_120", nvrtc.architectureFor(12, 1));
        Emulation.configure(1, 11, 0, Emulation.BYTES);
        String message = assertThrows(IllegalStateException.class, this::open).getMessage();
        assertTrue(
                message.contains("NVRTC must support compute capability 11.0, found version 0.1; install a newer CUDA"),
                message);
    }

    @Test
    void warpgroupKernelsRunOnTheirArchitectureOnly() throws Throwable {
        assertTrue(Device.properties(name -> library).hasWarpgroups());
        for (int minor : new int[] {0, 6}) {
            Emulation.configure(1, 8, minor, Emulation.BYTES);
            try (Device device = open()) {
                assertFalse(device.properties().hasWarpgroups());
                String message = assertThrows(
                                IllegalStateException.class,
                                () -> device.launch(
                                        "attention_sm90", "attention_sm90_128_128", Launch.of(1), new OneAddress(0)))
                        .getMessage();
                assertTrue(message.contains("no kernel image"), message);
            }
        }
    }

    @Test
    void driversWithoutARequiredFunctionAreRejected() {
        SymbolLookup old = name -> name.equals("cuMemAllocAsync") ? java.util.Optional.empty() : library.find(name);
        String message = assertThrows(IllegalStateException.class, () -> Device.properties(name -> old))
                .getMessage();
        assertTrue(
                message.contains("must have the function cuMemAllocAsync, found none; install CUDA 12.0 or newer"),
                message);
    }

    @Test
    void uploadedBytesAreDownloaded() {
        try (Device device = open()) {
            // Longer than the staging memory, so that its parts are reused.
            byte[] bytes = new byte[(5 << 20) + 13];
            new Random(1).nextBytes(bytes);
            long address = device.allocate(bytes.length);
            assertEquals(0, address % 256);
            for (int round = 0; round < 20; round++) {
                bytes[round] ^= 1;
                MemorySegment source = MemorySegment.ofArray(bytes.clone());
                device.upload(source, address);
                source.fill((byte) 0);
            }
            byte[] found = new byte[bytes.length];
            device.download(address, MemorySegment.ofArray(found));
            assertArrayEquals(bytes, found);
            device.free(address);
        }
    }

    @Test
    void failedAllocationsReturnZero() throws Throwable {
        Emulation.configure(1, 9, 0, 100L << 20);
        try (Device device = open()) {
            assertEquals(0, device.allocate(90L << 20));
            long small = device.allocate(1 << 20);
            assertNotEquals(0, small);
            assertTrue(device.freeBytes() < 100L << 20);
            device.free(small);
        }
    }

    @Test
    void closingFreesAllMemory() throws Throwable {
        MethodHandle live = Linker.nativeLinker()
                .downcallHandle(
                        library.find("emulated_live_blocks").orElseThrow(),
                        FunctionDescriptor.of(ValueLayout.JAVA_LONG));
        long before = (long) live.invokeExact();
        open().close();
        assertEquals(before, (long) live.invokeExact());
    }

    @Test
    void waitingCallsInvalidateACapture() {
        Driver driver = new Driver(library);
        driver.init();
        driver.setContext(driver.retainContext(driver.device(0)));
        long captured = driver.createStream();
        long other = driver.createStream();
        MemorySegment pageable = Arena.ofAuto().allocate(16);
        long address = driver.allocate(16, other);
        List<Runnable> refused = List.of(
                () -> driver.synchronize(captured),
                () -> driver.waitFor(driver.createEvent(false)),
                () -> driver.allocate(256, captured),
                () -> driver.free(address, captured),
                () -> driver.allocateHost(256),
                () -> driver.copyToDevice(address, pageable, 16, captured),
                () -> driver.copyToHost(pageable, address, 16, captured));
        for (Runnable call : refused) {
            driver.beginCapture(captured);
            String message =
                    assertThrows(IllegalStateException.class, call::run).getMessage();
            assertTrue(message.contains("not permitted when stream is capturing"), message);
            message = assertThrows(IllegalStateException.class, () -> driver.endCapture(captured))
                    .getMessage();
            assertTrue(message.contains("CUDA error 901"), message);
        }
        driver.beginCapture(captured);
        long graph = driver.endCapture(captured);
        driver.destroyGraph(graph);
        driver.free(address, other);
    }

    @Test
    void failedCapturesFreeTheirGraphs() throws Throwable {
        MethodHandle live = Linker.nativeLinker()
                .downcallHandle(
                        library.find("emulated_live_graphs").orElseThrow(),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT));
        int before = (int) live.invokeExact();
        try (Device device = open()) {
            device.capture(() -> {}).close();
            assertThrows(NotRecordableException.class, () -> device.capture(device::synchronize));
            assertThrows(NotRecordableException.class, () -> device.capture(() -> device.capture(() -> {})));
        }
        assertEquals(before, (int) live.invokeExact());
    }

    @Test
    void launchErrorsNameTheKernel() {
        try (Device device = open()) {
            OneAddress tooFew = new OneAddress(0);
            String message = assertThrows(
                            IllegalStateException.class,
                            () -> device.launch("elementwise", "convert", Launch.of(1), tooFew))
                    .getMessage();
            assertTrue(message.contains("convert takes"), message);
            message = assertThrows(
                            IllegalStateException.class,
                            () -> device.launch("elementwise", "missing", Launch.of(1), tooFew))
                    .getMessage();
            assertTrue(message.contains("named symbol not found: missing"), message);
        }
    }

    @Test
    void missingCublasIsReported() {
        try (Device device = Device.open(
                name -> {
                    if (name == Libraries.Name.CUBLAS_LT) {
                        throw new IllegalStateException("not installed");
                    }
                    return library;
                },
                new CubinCache(folder))) {
            assertFalse(device.hasCublas());
            assertFalse(device.multiply(new CublasGemm(0, 0, 0, 0, 1, 1, 1, false, false, false, false)));
        }
    }

    @Test
    void gridsHaveLimits() {
        assertThrows(IllegalArgumentException.class, () -> Launch.of(1L << 31));
        assertThrows(IllegalArgumentException.class, () -> new Launch(1, 65536, 1, 32, 1, 0));
        assertEquals(new Launch(7, 1, 1, 32, 1, 0), Launch.rows(7, 1));
        assertEquals(new Launch(7, 2, 1, 256, 1, 0), Launch.rows(7, 2049));
    }

    private record OneAddress(long address) implements KernelArguments {
        @Override
        public void layOut(StructWriter struct) {
            struct.put(address);
        }
    }

    private Device open() {
        return Device.open(name -> library, new CubinCache(folder));
    }
}
