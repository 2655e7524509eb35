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
 * One GPU and one stream on it: everything happens in the order of the calls, and only {@link #download} and {@link #synchronize} wait.
 * What is captured happens in the order of the launches of its graph.
 * Thread-safe. Uses the primary context, so that other CUDA libraries of the process share memory with it.
 */
public final class Device implements MemorySource, AutoCloseable {
    /** The system property that, when "false", leaves cuBLASLt out: our own kernels form all products. */
    public static final String CUBLAS_PROPERTY = "lingen.cuda.cublas";

    private static final Logger LOG = LoggerFactory.getLogger(Device.class);
    private static final int MIN_MAJOR = 8;
    /** What cuBLASLt asks for on Hopper; on older devices less would do. */
    private static final long PRODUCT_WORKSPACE = 32L << 20;

    private static final long STAGING_PART = 2L << 20;

    private final Driver driver;
    private final int device;
    private final DeviceProperties properties;
    private final long context;
    private final long stream;
    /** Takes what is captured, so that other threads go on with the work of the stream proper. */
    private final long captureStream;

    private final KernelModules kernels;
    private final Staging staging;
    private final @Nullable CublasLt cublas;
    private final long productWorkspace;
    private final Object captures = new Object();
    /**
     * Held while something that works in the products' workspace is put on the stream: a product may be several kernels, and another
     * one between them would take what they leave there.
     */
    private final Object productOrder = new Object();

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
        productWorkspace = cublas == null ? 0 : driver.allocate(PRODUCT_WORKSPACE, stream);
    }

    /**
     * The first device, looked at but not opened.
     *
     * @throws IllegalStateException if there is no driver, no device, or one that is too old; the message says what to do
     */
    public static DeviceProperties properties(Function<Name, SymbolLookup> libraries) {
        Driver driver = new Driver(libraries.apply(Name.DRIVER));
        driver.init();
        if (driver.deviceCount() == 0) {
            throw new IllegalStateException("the CUDA driver sees no device");
        }
        return properties(driver, driver.device(0));
    }

    /**
     * Opens the first device.
     *
     * @throws IllegalStateException as {@link #properties}, and if NVRTC is missing or older than the device
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
            throw new IllegalStateException(properties.name() + " has compute capability " + major + "."
                    + properties.minor() + "; 8.0 or newer is needed: use the backend cpu");
        }
        return properties;
    }

    private static @Nullable SymbolLookup cublas(Function<Name, SymbolLookup> libraries) {
        if ("false".equals(System.getProperty(CUBLAS_PROPERTY))) {
            LOG.info("cuBLASLt is switched off by -D{}=false; our own kernels form all products", CUBLAS_PROPERTY);
            return null;
        }
        try {
            return libraries.apply(Name.CUBLAS_LT);
        } catch (IllegalStateException e) {
            LOG.info("{}; our own kernels form all products, more slowly", e.getMessage());
            return null;
        }
    }

    /** Whether products of warpgroups are to be used: where the device has them, unless they are switched off. */
    public boolean hasWarpgroups() {
        return warpgroups && properties.hasWarpgroups();
    }

    /**
     * Switches the products of warpgroups off or, as they are at first, on: for tests and measurements.
     *
     * @return whether they were on
     */
    public boolean useWarpgroups(boolean on) {
        boolean before = warpgroups;
        warpgroups = on;
        return before;
    }

    public DeviceProperties properties() {
        return properties;
    }

    /** Whether cuBLASLt was found. */
    public boolean hasCublas() {
        return cublas != null;
    }

    /** The bytes that the device has left, for all processes. */
    @Override
    public long freeBytes() {
        enter();
        return driver.freeBytes();
    }

    /** Memory, 256-byte aligned, with undefined contents; 0 if the device has not enough. */
    @Override
    public long allocate(long bytes) {
        requireNotCapturing("memory of the driver");
        enter();
        long address = driver.allocate(bytes, stream);
        if (address == 0) {
            // What was freed is back once the stream has come so far.
            driver.synchronize(stream);
            address = driver.allocate(bytes, stream);
        }
        return address;
    }

    /** Frees memory once the work before this call is done. */
    @Override
    public void free(long address) {
        requireNotCapturing("freeing memory of the driver");
        enter();
        driver.free(address, stream);
    }

    /** Copies host bytes to the device; the source may change as soon as this returns. */
    public synchronized void upload(MemorySegment source, long target) {
        // The driver would capture the staging memory's address, and copy at every launch what it holds by then.
        requireNotCapturing("an upload");
        enter();
        staging.copy(source, target, stream);
    }

    /** Copies bytes of the device. */
    public void copy(long source, long target, long bytes) {
        enter();
        driver.copyOnDevice(target, source, bytes, currentStream());
    }

    /** Copies device bytes to the host and waits. */
    public void download(long source, MemorySegment target) {
        requireNotCapturing("a download");
        enter();
        if (target.isNative()) {
            driver.copyToHost(target, source, target.byteSize(), stream);
            driver.synchronize(stream);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment landing = arena.allocate(target.byteSize(), 16);
            driver.copyToHost(landing, source, target.byteSize(), stream);
            driver.synchronize(stream);
            target.copyFrom(landing);
        }
    }

    /** Waits for all work so far. */
    public void synchronize() {
        requireNotCapturing("waiting");
        enter();
        driver.synchronize(stream);
    }

    /**
     * Starts a kernel.
     *
     * @param source the file that holds it, see {@link KernelSource}
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

    /** Forms a product with cuBLASLt; false if it is missing or has no algorithm for it, and nothing was done. */
    public boolean multiply(MatrixProduct product) {
        CublasLt library = cublas;
        if (library == null || productWorkspace == 0) {
            return false;
        }
        enter();
        synchronized (productOrder) {
            return library.multiply(product, productWorkspace, PRODUCT_WORKSPACE, currentStream());
        }
    }

    /**
     * Runs an action without doing what it puts on the stream, and keeps that as a graph. Only this thread's calls are captured; one thread
     * captures at a time.
     *
     * @param action launches and products; anything else fails
     * @return to be closed by the caller, before the device
     * @throws NotRecordableException if the action asks for something that can't be captured
     * @throws IllegalStateException if the driver can't capture it
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

    /** Work that was captured, to be done any number of times with the addresses that it had. Used by one thread at a time. */
    public final class Graph implements AutoCloseable {
        private final long executable;

        private Graph(long executable) {
            this.executable = executable;
        }

        /** Puts the work on the stream. */
        public void launch() {
            enter();
            synchronized (productOrder) {
                driver.launchGraph(executable, stream);
            }
        }

        @Override
        public void close() {
            enter();
            driver.destroyExecutable(executable);
        }
    }

    /** Milliseconds on the device that the work of an action takes; waits for it. */
    public float millis(Runnable action) {
        requireNotCapturing("timing");
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
        if (productWorkspace != 0) {
            driver.free(productWorkspace, stream);
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
            throw new NotRecordableException(what + " can't be part of a graph");
        }
    }

    /** The driver's calls work on the calling thread's context; setting the same again costs next to nothing. */
    private void enter() {
        driver.setContext(context);
    }
}
