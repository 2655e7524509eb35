package io.lingen.cuda.internal.driver;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The kernels, compiled for a device and loaded when first used. Thread-safe. */
final class KernelModules {
    private static final int FREE_SHARED_BYTES = 48 << 10;

    private final Driver driver;
    private final Nvrtc nvrtc;
    private final CubinCache cache;
    private final String architecture;
    private final Map<String, Long> modules = new ConcurrentHashMap<>();
    private final Map<String, Long> functions = new ConcurrentHashMap<>();
    private final Map<Long, Integer> sharedBytes = new ConcurrentHashMap<>();

    /** @param architecture for example "sm_90" */
    KernelModules(Driver driver, Nvrtc nvrtc, CubinCache cache, String architecture) {
        this.driver = driver;
        this.nvrtc = nvrtc;
        this.cache = cache;
        this.architecture = architecture;
    }

    /** How kernels are compiled for an architecture. */
    static List<String> options(String architecture) {
        return List.of("--gpu-architecture=" + architecture, "--std=c++17");
    }

    /** Machine code of a source for a device, from the cache if it is there. */
    static byte[] compile(Nvrtc nvrtc, CubinCache cache, KernelSource source, String device) {
        String architecture = source.architecture(device);
        List<String> options = options(architecture);
        String key = source.hash(List.of(nvrtc.version(), String.join(" ", options)));
        return cache.get(
                source.name() + "-" + architecture + "-" + key.substring(0, 32),
                () -> nvrtc.compile(source.name() + ".cu", source.text(), source.headers(), options));
    }

    /** The function of a kernel, allowed the shared memory that a launch needs. */
    long function(String source, String name, int shared) {
        Long function = functions.get(name);
        if (function == null) {
            long module = modules.computeIfAbsent(
                    source, key -> driver.loadModule(compile(nvrtc, cache, KernelSource.of(key), architecture)));
            function = functions.computeIfAbsent(name, key -> driver.function(module, key));
        }
        if (shared > FREE_SHARED_BYTES && sharedBytes.getOrDefault(function, 0) < shared) {
            driver.setSharedBytes(function, shared);
            sharedBytes.put(function, shared);
        }
        return function;
    }

    void close() {
        modules.values().forEach(driver::unloadModule);
        modules.clear();
        functions.clear();
    }
}
