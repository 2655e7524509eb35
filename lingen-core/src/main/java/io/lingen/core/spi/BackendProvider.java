package io.lingen.core.spi;

import io.lingen.core.BackendOptions;

/**
 * A factory of kernels of one kind. Providers are found through {@link java.util.ServiceLoader} and need a public constructor without
 * parameters. Loading and creating a provider must not fail where its native libraries are missing. Thread-safe.
 */
public interface BackendProvider {
    /** {@return the name that selects the backend, for example "cpu"} */
    String name();

    /**
     * {@return the priority in the selection of "auto"} The available provider with the highest priority is selected: the reference backend
     * has 10, the CPU 100, accelerators more.
     */
    int priority();

    /** {@return whether a backend can be created on this machine, with the reason} Never throws. */
    Availability availability();

    /**
     * Creates the kernels of a backend.
     *
     * @param options the host resources that they may use
     * @return the kernels, to be closed by the caller
     * @throws IllegalStateException if they are not available
     */
    Kernels create(BackendOptions options);

    /**
     * The result of a check whether a backend can be created.
     *
     * @param available whether {@link #create} will succeed
     * @param detail the device and the libraries found; or what is missing and how to install it
     */
    record Availability(boolean available, String detail) {}
}
