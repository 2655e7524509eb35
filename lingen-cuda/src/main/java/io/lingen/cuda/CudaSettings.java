package io.lingen.cuda;

import io.lingen.core.accounting.HostMemory;

/**
 * How the backend uses a device.
 *
 * @param memoryLimit the most bytes for tensors, weights and what is kept of them; the driver's own come on top
 * @param graphs whether work that repeats is captured as a CUDA graph
 * @param wgmma whether attention uses the products of warpgroups where the device has them
 */
record CudaSettings(long memoryLimit, boolean graphs, boolean wgmma) {
    /** The system property that bounds the memory: bytes, or a number with the suffix k, m or g, of 1024. */
    static final String MEMORY_LIMIT_PROPERTY = "lingen.cuda.memory-limit";

    /** The system property that switches graphs on, "true", or off, "false". */
    static final String GRAPHS_PROPERTY = "lingen.cuda.graphs";

    /** The system property for attention with wgmma, likewise. */
    static final String WGMMA_PROPERTY = "lingen.cuda.wgmma";

    /**
     * What the system properties say.
     *
     * @throws IllegalArgumentException if one of them can't be read
     */
    static CudaSettings ofSystem() {
        return new CudaSettings(HostMemory.bound(MEMORY_LIMIT_PROPERTY), flag(GRAPHS_PROPERTY), flag(WGMMA_PROPERTY));
    }

    /** Both are off until they are measured on a GPU. */
    private static boolean flag(String property) {
        String value = System.getProperty(property, "false");
        if (!value.equals("true") && !value.equals("false")) {
            throw new IllegalArgumentException("-D" + property + ": expected true or false, found \"" + value + '"');
        }
        return value.equals("true");
    }
}
