package io.lingen.cuda;

import io.lingen.core.accounting.HostMemory;

/**
 * How the backend uses a device.
 *
 * @param memoryLimit the most bytes for tensors, weights and what is kept of them; the driver's own come on top
 * @param graphs whether work that repeats is captured as a CUDA graph
 */
record CudaSettings(long memoryLimit, boolean graphs) {
    /** The system property that bounds the memory: bytes, or a number with the suffix k, m or g, of 1024. */
    static final String MEMORY_LIMIT_PROPERTY = "lingen.cuda.memory-limit";

    /** The system property that switches graphs on, "true", or off, "false". */
    static final String GRAPHS_PROPERTY = "lingen.cuda.graphs";

    /** Off until they are measured on a GPU. */
    private static final boolean GRAPHS = false;

    /**
     * What the system properties say.
     *
     * @throws IllegalArgumentException if one of them can't be read
     */
    static CudaSettings ofSystem() {
        String graphs = System.getProperty(GRAPHS_PROPERTY, String.valueOf(GRAPHS));
        if (!graphs.equals("true") && !graphs.equals("false")) {
            throw new IllegalArgumentException(
                    "-D" + GRAPHS_PROPERTY + ": expected true or false, found \"" + graphs + '"');
        }
        return new CudaSettings(HostMemory.bound(MEMORY_LIMIT_PROPERTY), graphs.equals("true"));
    }
}
