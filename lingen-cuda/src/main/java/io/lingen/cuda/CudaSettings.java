package io.lingen.cuda;

import io.lingen.core.accounting.HostMemory;

/**
 * What the backend may take of a device.
 *
 * @param memoryLimit the most bytes for tensors, weights and what is kept of them; the driver's own come on top
 */
record CudaSettings(long memoryLimit) {
    /** The system property that bounds the memory: bytes, or a number with the suffix k, m or g, of 1024. */
    static final String MEMORY_LIMIT_PROPERTY = "lingen.cuda.memory-limit";

    static final CudaSettings DEFAULT = new CudaSettings(Long.MAX_VALUE);

    /**
     * What the system properties say.
     *
     * @throws IllegalArgumentException if one of them can't be read
     */
    static CudaSettings ofSystem() {
        return new CudaSettings(HostMemory.bound(MEMORY_LIMIT_PROPERTY));
    }
}
