package io.lingen.cuda.internal.driver;

/**
 * Properties of a device that plans depend on.
 *
 * @param sharedBytesPerBlock the most shared memory that a block may have
 */
public record DeviceProperties(
        String name,
        int major,
        int minor,
        int multiprocessors,
        int sharedBytesPerBlock,
        int sharedBytesPerMultiprocessor,
        long totalBytes,
        int driverVersion) {
    /** Whether the device has warpgroup products: compute capability 9.0, not those after it. */
    public boolean hasWarpgroups() {
        return major == 9 && minor == 0;
    }
}
