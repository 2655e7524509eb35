package io.lingen.cuda.internal.driver;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The kernels of a device, compiled and loaded on first use. Thread-safe. */
final class KernelModules {
    private static final int FREE_SHARED_BYTES = 48 << 10;

    private final Driver driver;
    private final Nvrtc nvrtc;
    private final CubinCache cache;
    private final String architecture;
    private final Map<String, Long> modules = new ConcurrentHashMap<>();
    private final Map<String, Long> functions = new ConcurrentHashMap<>();
    private final Map<Long, Integer> sharedBytes = new ConcurrentHashMap<>();

    /** Creates modules for an architecture, for example "sm_90". */
    KernelModules(Driver driver, Nvrtc nvrtc, CubinCache cache, String architecture) {
        this.driver = driver;
        this.nvrtc = nvrtc;
        this.cache = cache;
        this.architecture = architecture;
    }

    /** Returns the compiler options for an architecture. */
    static List<String> options(String architecture) {
        return List.of("--gpu-architecture=" + architecture, "--std=c++17");
    }

    /** Returns the machine code of a source, from the cache if possible. */
    static byte[] compile(Nvrtc nvrtc, CubinCache cache, KernelSource source, String device) {
        String architecture = source.architecture(device);
        List<String> options = options(architecture);
        String key = source.hash(List.of(nvrtc.version(), String.join(" ", options)));
        return cache.get(
                source.name() + "-" + architecture + "-" + key.substring(0, 32),
                () -> nvrtc.compile(source.name() + ".cu", source.text(), source.headers(), options));
    }

    /** Returns the function of a kernel, with at least the given shared memory. */
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
