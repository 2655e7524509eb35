package io.lingen.cuda.internal.driver;

import io.lingen.cuda.internal.driver.Libraries.Name;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One GPU with one stream. Work runs in the order of the calls, and only {@link #download} and {@link #synchronize} wait. Captured work
 * runs in the order of the launches of its graph. Thread-safe. The device uses the primary context, so other CUDA libraries of the process
 * can share its memory.
 */
public final class Device implements MemorySource, AutoCloseable {
    /** The system property that disables cuBLASLt if its value is "false". */
    public static final String CUBLAS_PROPERTY = "lingen.cuda.cublas";

    private static final Logger LOG = LoggerFactory.getLogger(Device.class);
    private static final int MIN_MAJOR = 8;
    /** The size of the workspace that cuBLASLt recommends for Hopper; older devices need less. */
    private static final long GEMM_WORKSPACE = 32L << 20;

    private static final long STAGING_PART = 2L << 20;

    private final Driver driver;
    private final int device;
    private final DeviceProperties properties;
    private final long context;
    private final long stream;
    /** A second stream for captures, which lets other threads use the first meanwhile. */
    private final long captureStream;

    private final KernelModules kernels;
    private final Staging staging;
    private final @Nullable CublasLt cublas;
    private final long gemmWorkspace;
    private final Object captures = new Object();
    /**
     * Locked while a GEMM is started. A GEMM may consist of several kernels that pass data through the workspace, and a GEMM of another
     * thread must not start between them.
     */
    private final Object gemmLock = new Object();

    private volatile @Nullable Thread capturing;
    private volatile boolean warpgroups = true;

    private Device(
            Driver driver, int device, DeviceProperties properties, KernelModules kernels, @Nullable SymbolLookup lt) {
        this.driver = driver;
        this.device = device;
        this.properties = properties;
        context = driver.retainContext(device);
        driver.setContext(context);
        stream = driver.createStream();
        captureStream = driver.createStream();
        staging = new Staging(driver, STAGING_PART);
        this.kernels = kernels;
        cublas = lt == null ? null : new CublasLt(lt);
        gemmWorkspace = cublas == null ? 0 : driver.allocate(GEMM_WORKSPACE, stream);
    }

    /**
     * {@return the properties of the first device} Does not open it.
     *
     * @param libraries loads a library
     * @throws IllegalStateException if there is no driver or no device, or if the device is too old; the message has the remedy
     */
    public static DeviceProperties properties(Function<Name, SymbolLookup> libraries) {
        Driver driver = new Driver(libraries.apply(Name.DRIVER));
        driver.init();
        if (driver.deviceCount() == 0) {
            throw new IllegalStateException(
                    "the CUDA driver must see a device, found none; check nvidia-smi, or use the backend cpu");
        }
        return properties(driver, driver.device(0));
    }

    /**
     * Opens the first device.
     *
     * @param libraries loads a library
     * @param cache the cache of compiled kernels
     * @return the device, to be closed by the caller
     * @throws IllegalStateException if there is no driver or no device, if the device is too old, or if NVRTC is missing or too old for it
     */
    public static Device open(Function<Name, SymbolLookup> libraries, CubinCache cache) {
        Driver driver = new Driver(libraries.apply(Name.DRIVER));
        driver.init();
        int device = driver.device(0);
        DeviceProperties properties = properties(driver, device);
        Nvrtc nvrtc = new Nvrtc(libraries.apply(Name.NVRTC));
        String architecture = nvrtc.architectureFor(properties.major(), properties.minor());
        return new Device(
                driver, device, properties, new KernelModules(driver, nvrtc, cache, architecture), cublas(libraries));
    }

    private static DeviceProperties properties(Driver driver, int device) {
        int major = driver.attribute(device, Driver.COMPUTE_CAPABILITY_MAJOR);
        DeviceProperties properties = new DeviceProperties(
                driver.deviceName(device),
                major,
                driver.attribute(device, Driver.COMPUTE_CAPABILITY_MINOR),
                driver.attribute(device, Driver.MULTIPROCESSORS),
                driver.attribute(device, Driver.SHARED_BYTES_PER_BLOCK),
                driver.attribute(device, Driver.SHARED_BYTES_PER_MULTIPROCESSOR),
                driver.totalBytes(device),
                driver.version());
        if (major < MIN_MAJOR) {
            throw new IllegalStateException("compute capability must be 8.0 or newer, found " + major + "."
                    + properties.minor() + " (" + properties.name() + "); use the backend cpu");
        }
        return properties;
    }

    private static @Nullable SymbolLookup cublas(Function<Name, SymbolLookup> libraries) {
        if ("false".equals(System.getProperty(CUBLAS_PROPERTY))) {
            LOG.info("cuBLASLt is disabled by -D{}=false; falling back to slower GEMM kernels", CUBLAS_PROPERTY);
            return null;
        }
        try {
            return libraries.apply(Name.CUBLAS_LT);
        } catch (IllegalStateException e) {
            LOG.info("{}; falling back to slower GEMM kernels", e.getMessage());
            return null;
        }
    }

    /** {@return whether kernels may use warpgroup instructions: if the device has them, unless they are disabled} */
    public boolean hasWarpgroups() {
        return warpgroups && properties.hasWarpgroups();
    }

    /**
     * Enables or disables warpgroup instructions, for tests and measurements. They are enabled by default.
     *
     * @param enabled the new setting
     * @return the previous setting
     */
    public boolean useWarpgroups(boolean enabled) {
        boolean before = warpgroups;
        warpgroups = enabled;
        return before;
    }

    /** {@return the properties of this device} */
    public DeviceProperties properties() {
        return properties;
    }

    /** {@return whether cuBLASLt is available and enabled} */
    public boolean hasCublas() {
        return cublas != null;
    }

    /** {@return the number of free bytes on the device, for all processes} */
    @Override
    public long freeBytes() {
        enter();
        return driver.freeBytes();
    }

    @Override
    public long allocate(long bytes) {
        requireNotCapturing("an allocation");
        enter();
        long address = driver.allocate(bytes, stream);
        if (address == 0) {
            // Freed memory is available only after the stream has reached the call that freed it.
            driver.synchronize(stream);
            address = driver.allocate(bytes, stream);
        }
        return address;
    }

    /** Frees memory after the work that was started before this call. */
    @Override
    public void free(long address) {
        requireNotCapturing("freeing memory");
        enter();
        driver.free(address, stream);
    }

    /**
     * Copies host bytes to the device. The source may change after this method returns.
     *
     * @param source the bytes
     * @param target the device address
     */
    public synchronized void upload(MemorySegment source, long target) {
        // A graph would capture the address of the staging memory, and copy its later contents at each launch.
        requireNotCapturing("an upload");
        enter();
        staging.copy(source, target, stream);
    }

    /**
     * Copies bytes on the device.
     *
     * @param source the device address
     * @param target the device address
     * @param bytes the number of bytes
     */
    public void copy(long source, long target, long bytes) {
        enter();
        driver.copyOnDevice(target, source, bytes, currentStream());
    }

    /**
     * Copies device bytes to the host and waits for them.
     *
     * @param source the device address
     * @param target receives its size in bytes
     */
    public void download(long source, MemorySegment target) {
        requireNotCapturing("a download");
        enter();
        if (target.isNative()) {
            driver.copyToHost(target, source, target.byteSize(), stream);
            driver.synchronize(stream);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(target.byteSize(), 16);
            driver.copyToHost(buffer, source, target.byteSize(), stream);
            driver.synchronize(stream);
            target.copyFrom(buffer);
        }
    }

    /** Waits for all work that was started. */
    public void synchronize() {
        requireNotCapturing("a synchronization");
        enter();
        driver.synchronize(stream);
    }

    /**
     * Starts a kernel.
     *
     * @param source the name of its source file, see {@link KernelSource}
     * @param kernel the name of its function
     * @param launch the grid and the blocks
     * @param arguments its parameter struct
     */
    public void launch(String source, String kernel, Launch launch, KernelArguments arguments) {
        if (launch.gridX() == 0) {
            return;
        }
        enter();
        long function = kernels.function(source, kernel, launch.sharedBytes());
        try (Arena arena = Arena.ofConfined()) {
            StructWriter writer = new StructWriter(arena);
            arguments.layOut(writer);
            driver.launch(function, launch, currentStream(), writer.struct());
        }
    }

    /**
     * Starts a GEMM with cuBLASLt.
     *
     * @param gemm the operands and the shape
     * @return false if cuBLASLt is unavailable or has no algorithm for the GEMM, which is then not started
     */
    public boolean multiply(CublasGemm gemm) {
        CublasLt library = cublas;
        if (library == null || gemmWorkspace == 0) {
            return false;
        }
        enter();
        synchronized (gemmLock) {
            return library.multiply(gemm, gemmWorkspace, GEMM_WORKSPACE, currentStream());
        }
    }

    /**
     * Captures the device work of an action as a graph, without running it. Only the calls of this thread are captured. One thread captures
     * at a time.
     *
     * @param action starts kernels and GEMMs
     * @return the graph, to be closed by the caller before the device
     * @throws NotRecordableException if the action calls a method that cannot be captured
     * @throws IllegalStateException if the driver cannot capture the work
     */
    public Graph capture(Runnable action) {
        requireNotCapturing("a capture");
        synchronized (captures) {
            enter();
            driver.beginCapture(captureStream);
            capturing = Thread.currentThread();
            try {
                action.run();
            } catch (RuntimeException | Error e) {
                driver.abandonCapture(captureStream);
                throw e;
            } finally {
                capturing = null;
            }
            long graph = driver.endCapture(captureStream);
            try {
                return new Graph(driver.instantiate(graph));
            } finally {
                driver.destroyGraph(graph);
            }
        }
    }

    /** Captured work, which can be launched any number of times with the captured addresses. Used by one thread at a time. */
    public final class Graph implements AutoCloseable {
        private final long executable;

        private Graph(long executable) {
            this.executable = executable;
        }

        /** Starts the work on the stream. */
        public void launch() {
            enter();
            synchronized (gemmLock) {
                driver.launchGraph(executable, stream);
            }
        }

        @Override
        public void close() {
            enter();
            driver.destroyExecutable(executable);
        }
    }

    /**
     * Measures the device time of an action, and waits for it.
     *
     * @param action starts the work
     * @return the milliseconds between the start and the end of the work
     */
    public float millis(Runnable action) {
        requireNotCapturing("a measurement");
        enter();
        long start = driver.createEvent(true);
        long end = driver.createEvent(true);
        driver.record(start, stream);
        action.run();
        driver.record(end, stream);
        driver.waitFor(end);
        float millis = driver.elapsedMillis(start, end);
        driver.destroyEvent(start);
        driver.destroyEvent(end);
        return millis;
    }

    @Override
    public void close() {
        enter();
        driver.synchronize(stream);
        if (gemmWorkspace != 0) {
            driver.free(gemmWorkspace, stream);
        }
        if (cublas != null) {
            cublas.close();
        }
        kernels.close();
        staging.close();
        driver.synchronize(stream);
        driver.destroyStream(captureStream);
        driver.destroyStream(stream);
        driver.releaseContext(device);
    }

    private boolean isCapturing() {
        return capturing == Thread.currentThread();
    }

    private long currentStream() {
        return isCapturing() ? captureStream : stream;
    }

    private void requireNotCapturing(String what) {
        if (isCapturing()) {
            throw new NotRecordableException("captured work must start kernels and GEMMs only, found " + what);
        }
    }

    /** Sets the context of the calling thread, which the driver uses. Setting the same context again is cheap. */
    private void enter() {
        driver.setContext(context);
    }
}
