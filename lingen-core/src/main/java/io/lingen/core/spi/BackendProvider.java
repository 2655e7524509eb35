package io.lingen.core.spi;

import io.lingen.core.BackendOptions;

/** Makes the kernels of one kind of backend; found through {@link java.util.ServiceLoader}. Needs a public constructor without parameters. */
public interface BackendProvider {
    /** The name under which its backends are chosen. */
    String name();

    /** Its place in "auto": the highest available priority wins. Reference 10, cpu 100, accelerators above. */
    int priority();

    /** Whether a backend can be made here, and why not. Never throws. */
    Availability availability();

    /**
     * Makes a backend's kernels; the caller closes them.
     *
     * @throws IllegalStateException if they are not available
     */
    Kernels create(BackendOptions options);

    /**
     * Whether a backend can be made.
     *
     * @param available whether {@link #create} will succeed
     * @param detail the device found; or what is missing and what to do
     */
    record Availability(boolean available, String detail) {}
}
