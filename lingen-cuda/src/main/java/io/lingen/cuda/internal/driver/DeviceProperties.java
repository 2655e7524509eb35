package io.lingen.cuda.internal.driver;

/**
 * The properties of a device.
 *
 * @param name the product name, for example "NVIDIA H200"
 * @param major the major number of the compute capability
 * @param minor the minor number of the compute capability
 * @param multiprocessors the number of multiprocessors
 * @param sharedBytesPerBlock the largest shared memory of a block in bytes
 * @param sharedBytesPerMultiprocessor the shared memory of a multiprocessor in bytes
 * @param totalBytes the memory of the device in bytes
 * @param driverVersion the newest CUDA version that the driver supports, for example 13000
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
    /** {@return whether the device has the warpgroup instructions of compute capability 9.0, which later ones lack} */
    public boolean hasWarpgroups() {
        return major == 9 && minor == 0;
    }
}
