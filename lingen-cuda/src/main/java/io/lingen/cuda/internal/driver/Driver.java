package io.lingen.cuda.internal.driver;

import static io.lingen.cuda.internal.driver.Symbols.INT;
import static io.lingen.cuda.internal.driver.Symbols.LONG;
import static io.lingen.cuda.internal.driver.Symbols.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Bindings of the CUDA driver API, with the names that both CUDA 12 and CUDA 13 export. A failed call throws {@link IllegalStateException}
 * with the driver's description of the error. Thread-safe.
 */
public final class Driver {
    static final int COMPUTE_CAPABILITY_MAJOR = 75;
    static final int COMPUTE_CAPABILITY_MINOR = 76;
    static final int MULTIPROCESSORS = 16;
    static final int SHARED_BYTES_PER_BLOCK = 97;
    static final int SHARED_BYTES_PER_MULTIPROCESSOR = 81;

    private static final int OUT_OF_MEMORY = 2;
    private static final int MAX_DYNAMIC_SHARED_BYTES = 8;
    private static final int NON_BLOCKING = 1;
    private static final int NO_TIMING = 2;
    private static final int CAPTURE_THREAD_LOCAL = 1;

    private final MethodHandle init;
    private final MethodHandle driverGetVersion;
    private final MethodHandle deviceGetCount;
    private final MethodHandle deviceGet;
    private final MethodHandle deviceGetName;
    private final MethodHandle deviceGetAttribute;
    private final MethodHandle deviceTotalMem;
    private final MethodHandle primaryCtxRetain;
    private final MethodHandle primaryCtxRelease;
    private final MethodHandle ctxSetCurrent;
    private final MethodHandle streamCreate;
    private final MethodHandle streamDestroy;
    private final MethodHandle streamSynchronize;
    private final MethodHandle streamBeginCapture;
    private final MethodHandle streamEndCapture;
    private final MethodHandle graphInstantiate;
    private final MethodHandle graphLaunch;
    private final MethodHandle graphExecDestroy;
    private final MethodHandle graphDestroy;
    private final MethodHandle memAllocAsync;
    private final MethodHandle memFreeAsync;
    private final MethodHandle memGetInfo;
    private final MethodHandle memHostAlloc;
    private final MethodHandle memFreeHost;
    private final MethodHandle copyToDevice;
    private final MethodHandle copyToHost;
    private final MethodHandle copyOnDevice;
    private final MethodHandle moduleLoadData;
    private final MethodHandle moduleUnload;
    private final MethodHandle moduleGetFunction;
    private final MethodHandle funcSetAttribute;
    private final MethodHandle launchKernel;
    private final MethodHandle eventCreate;
    private final MethodHandle eventRecord;
    private final MethodHandle eventSynchronize;
    private final MethodHandle eventElapsedTime;
    private final MethodHandle eventDestroy;
    private final MethodHandle getErrorString;

    /**
     * Binds the functions without calling any.
     *
     * @param library the driver library
     * @throws IllegalStateException if the library lacks a function
     */
    public Driver(SymbolLookup library) {
        Symbols cuda = new Symbols("the CUDA driver", library);
        init = cuda.function("cuInit", INT);
        driverGetVersion = cuda.function("cuDriverGetVersion", POINTER);
        deviceGetCount = cuda.function("cuDeviceGetCount", POINTER);
        deviceGet = cuda.function("cuDeviceGet", POINTER, INT);
        deviceGetName = cuda.function("cuDeviceGetName", POINTER, INT, INT);
        deviceGetAttribute = cuda.function("cuDeviceGetAttribute", POINTER, INT, INT);
        deviceTotalMem = cuda.function("cuDeviceTotalMem_v2", POINTER, INT);
        primaryCtxRetain = cuda.function("cuDevicePrimaryCtxRetain", POINTER, INT);
        primaryCtxRelease = cuda.function("cuDevicePrimaryCtxRelease_v2", INT);
        ctxSetCurrent = cuda.function("cuCtxSetCurrent", LONG);
        streamCreate = cuda.function("cuStreamCreate", POINTER, INT);
        streamDestroy = cuda.function("cuStreamDestroy_v2", LONG);
        streamSynchronize = cuda.function("cuStreamSynchronize", LONG);
        streamBeginCapture = cuda.function("cuStreamBeginCapture_v2", LONG, INT);
        streamEndCapture = cuda.function("cuStreamEndCapture", LONG, POINTER);
        graphInstantiate = cuda.function("cuGraphInstantiateWithFlags", POINTER, LONG, LONG);
        graphLaunch = cuda.function("cuGraphLaunch", LONG, LONG);
        graphExecDestroy = cuda.function("cuGraphExecDestroy", LONG);
        graphDestroy = cuda.function("cuGraphDestroy", LONG);
        memAllocAsync = cuda.function("cuMemAllocAsync", POINTER, LONG, LONG);
        memFreeAsync = cuda.function("cuMemFreeAsync", LONG, LONG);
        memGetInfo = cuda.function("cuMemGetInfo_v2", POINTER, POINTER);
        memHostAlloc = cuda.function("cuMemHostAlloc", POINTER, LONG, INT);
        memFreeHost = cuda.function("cuMemFreeHost", POINTER);
        copyToDevice = cuda.function("cuMemcpyHtoDAsync_v2", LONG, POINTER, LONG, LONG);
        copyToHost = cuda.function("cuMemcpyDtoHAsync_v2", POINTER, LONG, LONG, LONG);
        copyOnDevice = cuda.function("cuMemcpyDtoDAsync_v2", LONG, LONG, LONG, LONG);
        moduleLoadData = cuda.function("cuModuleLoadData", POINTER, POINTER);
        moduleUnload = cuda.function("cuModuleUnload", LONG);
        moduleGetFunction = cuda.function("cuModuleGetFunction", POINTER, LONG, POINTER);
        funcSetAttribute = cuda.function("cuFuncSetAttribute", LONG, INT, INT);
        launchKernel = cuda.function("cuLaunchKernel", LONG, INT, INT, INT, INT, INT, INT, INT, LONG, POINTER, POINTER);
        eventCreate = cuda.function("cuEventCreate", POINTER, INT);
        eventRecord = cuda.function("cuEventRecord", LONG, LONG);
        eventSynchronize = cuda.function("cuEventSynchronize", LONG);
        eventElapsedTime = cuda.function("cuEventElapsedTime", POINTER, LONG, LONG);
        eventDestroy = cuda.function("cuEventDestroy_v2", LONG);
        getErrorString = cuda.function("cuGetErrorString", INT, POINTER);
    }

    /** Initializes the driver. */
    public void init() {
        check("cuInit", Symbols.status(() -> (int) init.invokeExact(0)));
    }

    /** {@return the newest CUDA version that the driver supports, for example 13000} */
    public int version() {
        return (int) query("cuDriverGetVersion", out -> (int) driverGetVersion.invokeExact(out));
    }

    int deviceCount() {
        return (int) query("cuDeviceGetCount", out -> (int) deviceGetCount.invokeExact(out));
    }

    int device(int index) {
        return (int) query("cuDeviceGet", out -> (int) deviceGet.invokeExact(out, index));
    }

    String deviceName(int device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(256);
            check("cuDeviceGetName", Symbols.status(() -> (int) deviceGetName.invokeExact(name, 256, device)));
            return name.getString(0);
        }
    }

    int attribute(int device, int attribute) {
        return (int) query("cuDeviceGetAttribute", out -> (int) deviceGetAttribute.invokeExact(out, attribute, device));
    }

    long totalBytes(int device) {
        return query("cuDeviceTotalMem", out -> (int) deviceTotalMem.invokeExact(out, device));
    }

    /** Retains the primary context of a device, which other libraries of the process share. */
    long retainContext(int device) {
        return query("cuDevicePrimaryCtxRetain", out -> (int) primaryCtxRetain.invokeExact(out, device));
    }

    void releaseContext(int device) {
        check("cuDevicePrimaryCtxRelease", Symbols.status(() -> (int) primaryCtxRelease.invokeExact(device)));
    }

    /** Sets the context of the calling thread. */
    void setContext(long context) {
        check("cuCtxSetCurrent", Symbols.status(() -> (int) ctxSetCurrent.invokeExact(context)));
    }

    long createStream() {
        return query("cuStreamCreate", out -> (int) streamCreate.invokeExact(out, NON_BLOCKING));
    }

    void destroyStream(long stream) {
        check("cuStreamDestroy", Symbols.status(() -> (int) streamDestroy.invokeExact(stream)));
    }

    void synchronize(long stream) {
        check("cuStreamSynchronize", Symbols.status(() -> (int) streamSynchronize.invokeExact(stream)));
    }

    /** Begins the capture of work on a stream. The calling thread must end it. */
    void beginCapture(long stream) {
        check("cuStreamBeginCapture", Symbols.status(() ->
                (int) streamBeginCapture.invokeExact(stream, CAPTURE_THREAD_LOCAL)));
    }

    /** Ends a capture and returns the work as a graph. */
    long endCapture(long stream) {
        return query("cuStreamEndCapture", out -> (int) streamEndCapture.invokeExact(stream, out));
    }

    /** Ends a failed capture and discards its work. */
    void abandonCapture(long stream) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment graph = arena.allocate(8, 8);
            // The status is ignored: it reports the known failure of the capture.
            int ignored = Symbols.status(() -> (int) streamEndCapture.invokeExact(stream, graph));
            if (graph.get(LONG, 0) != 0) {
                destroyGraph(graph.get(LONG, 0));
            }
        }
    }

    /** Creates an executable graph. */
    long instantiate(long graph) {
        return query("cuGraphInstantiate", out -> (int) graphInstantiate.invokeExact(out, graph, 0L));
    }

    void launchGraph(long executable, long stream) {
        check("cuGraphLaunch", Symbols.status(() -> (int) graphLaunch.invokeExact(executable, stream)));
    }

    /** Destroys an executable graph after its running launches. */
    void destroyExecutable(long executable) {
        check("cuGraphExecDestroy", Symbols.status(() -> (int) graphExecDestroy.invokeExact(executable)));
    }

    void destroyGraph(long graph) {
        check("cuGraphDestroy", Symbols.status(() -> (int) graphDestroy.invokeExact(graph)));
    }

    /** Allocates memory in the order of a stream. Returns 0 if the device has too little. */
    long allocate(long bytes, long stream) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(8, 8);
            int status = Symbols.status(() -> (int) memAllocAsync.invokeExact(out, bytes, stream));
            if (status == OUT_OF_MEMORY) {
                return 0;
            }
            check("cuMemAllocAsync", status);
            return out.get(LONG, 0);
        }
    }

    void free(long address, long stream) {
        check("cuMemFreeAsync", Symbols.status(() -> (int) memFreeAsync.invokeExact(address, stream)));
    }

    /** Returns the number of free bytes on the device, for all processes. */
    long freeBytes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(8, 8);
            MemorySegment total = arena.allocate(8, 8);
            check("cuMemGetInfo", Symbols.status(() -> (int) memGetInfo.invokeExact(free, total)));
            return free.get(LONG, 0);
        }
    }

    /** Allocates page-locked host memory. */
    @SuppressWarnings("restricted")
    MemorySegment allocateHost(long bytes) {
        long address = query("cuMemHostAlloc", out -> (int) memHostAlloc.invokeExact(out, bytes, 0));
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    void freeHost(MemorySegment memory) {
        check("cuMemFreeHost", Symbols.status(() -> (int) memFreeHost.invokeExact(memory)));
    }

    void copyToDevice(long target, MemorySegment source, long bytes, long stream) {
        check("cuMemcpyHtoDAsync", Symbols.status(() -> (int) copyToDevice.invokeExact(target, source, bytes, stream)));
    }

    void copyToHost(MemorySegment target, long source, long bytes, long stream) {
        check("cuMemcpyDtoHAsync", Symbols.status(() -> (int) copyToHost.invokeExact(target, source, bytes, stream)));
    }

    void copyOnDevice(long target, long source, long bytes, long stream) {
        check("cuMemcpyDtoDAsync", Symbols.status(() -> (int) copyOnDevice.invokeExact(target, source, bytes, stream)));
    }

    /** Loads a compiled module. */
    long loadModule(byte[] cubin) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment image = arena.allocate(cubin.length, 64);
            MemorySegment.copy(cubin, 0, image, ValueLayout.JAVA_BYTE, 0, cubin.length);
            return query("cuModuleLoadData", out -> (int) moduleLoadData.invokeExact(out, image));
        }
    }

    void unloadModule(long module) {
        check("cuModuleUnload", Symbols.status(() -> (int) moduleUnload.invokeExact(module)));
    }

    long function(long module, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            return query(
                    "cuModuleGetFunction of " + name, out -> (int) moduleGetFunction.invokeExact(out, module, text));
        }
    }

    /** Sets the shared memory of a kernel, which is needed above 48 KiB. */
    void setSharedBytes(long function, int bytes) {
        check("cuFuncSetAttribute", Symbols.status(() ->
                (int) funcSetAttribute.invokeExact(function, MAX_DYNAMIC_SHARED_BYTES, bytes)));
    }

    /** Starts a kernel with the bytes of its parameter struct. */
    void launch(long function, Launch launch, long stream, MemorySegment arguments) {
        try (Arena arena = Arena.ofConfined()) {
            // One buffer with all parameters: CU_LAUNCH_PARAM_BUFFER_POINTER, _SIZE, _END.
            MemorySegment extra = arena.allocate(5 * 8, 8);
            extra.setAtIndex(LONG, 0, 1);
            extra.setAtIndex(ValueLayout.ADDRESS, 1, arguments);
            extra.setAtIndex(LONG, 2, 2);
            extra.setAtIndex(ValueLayout.ADDRESS, 3, arena.allocateFrom(LONG, arguments.byteSize()));
            check("cuLaunchKernel", Symbols.status(() -> (int) launchKernel.invokeExact(
                    function,
                    (int) launch.gridX(),
                    launch.gridY(),
                    launch.gridZ(),
                    launch.blockX(),
                    launch.blockY(),
                    1,
                    launch.sharedBytes(),
                    stream,
                    MemorySegment.NULL,
                    extra)));
        }
    }

    /** Creates an event. Events with timing are slower to record. */
    long createEvent(boolean timing) {
        int flags = timing ? 0 : NO_TIMING;
        return query("cuEventCreate", out -> (int) eventCreate.invokeExact(out, flags));
    }

    void record(long event, long stream) {
        check("cuEventRecord", Symbols.status(() -> (int) eventRecord.invokeExact(event, stream)));
    }

    void waitFor(long event) {
        check("cuEventSynchronize", Symbols.status(() -> (int) eventSynchronize.invokeExact(event)));
    }

    /** Returns the milliseconds between two completed events. */
    float elapsedMillis(long start, long end) {
        return Float.intBitsToFloat(
                (int) query("cuEventElapsedTime", out -> (int) eventElapsedTime.invokeExact(out, start, end)));
    }

    void destroyEvent(long event) {
        check("cuEventDestroy", Symbols.status(() -> (int) eventDestroy.invokeExact(event)));
    }

    private long query(String function, Symbols.Query query) {
        return Symbols.query(query, status -> check(function, status));
    }

    private void check(String function, int status) {
        if (status != 0) {
            throw new IllegalStateException(
                    function + " failed with CUDA error " + status + ": " + errorString(status));
        }
    }

    @SuppressWarnings("restricted")
    private String errorString(int status) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(8, 8);
            int found = Symbols.status(() -> (int) getErrorString.invokeExact(status, text));
            return found != 0
                    ? "unknown error"
                    : text.get(ValueLayout.ADDRESS, 0)
                            .reinterpret(Long.MAX_VALUE)
                            .getString(0);
        }
    }
}
