package io.lingen.core.backend;

import io.lingen.core.BackendOptions;

/** Makes backends of one kind; found through {@link java.util.ServiceLoader}. Needs a public constructor without parameters. */
public interface BackendProvider {
    /** The name under which its backends are chosen. */
    String name();

    /** Its place in "auto": the highest available priority wins. Reference 10, cpu 100, accelerators above. */
    int priority();

    /** Whether a backend can be made here, and why not. Never throws. */
    Availability availability();

    /**
     * Makes a backend.
     *
     * @throws IllegalStateException if it is not available
     */
    Backend create(BackendOptions options);

    /**
     * Whether a backend can be made.
     *
     * @param available whether {@link #create} will succeed
     * @param detail the device found; or what is missing and what to do
     */
    record Availability(boolean available, String detail) {}
}
