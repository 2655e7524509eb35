package io.lingen.core.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.internal.SafeText;
import io.lingen.core.spi.BackendProvider;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lookup of backends by name among the providers on the class path. Thread-safe. */
public final class Backends {
    /** The name that selects the available backend with the highest priority. */
    public static final String AUTO = "auto";

    private static final Logger log = LoggerFactory.getLogger(Backends.class);

    private Backends() {}

    /** {@return all providers on the class path, by descending priority} */
    public static List<BackendProvider> providers() {
        List<BackendProvider> found = new ArrayList<>();
        ServiceLoader.load(BackendProvider.class).forEach(found::add);
        found.sort(Comparator.comparingInt(BackendProvider::priority).reversed());
        return found;
    }

    /**
     * Creates a backend.
     *
     * @param name the name of a provider, or {@link #AUTO} for the available one with the highest priority; the reasons for skipping others
     *     are logged
     * @param options the host resources that the backend may use
     * @return the backend, to be closed by the caller
     * @throws IllegalArgumentException if no provider has the name; the message lists the known names
     * @throws IllegalStateException if the backend, or with {@link #AUTO} every backend, is not available; the message has the reason
     */
    public static Backend create(String name, BackendOptions options) {
        List<BackendProvider> providers = providers();
        if (name.equals(AUTO)) {
            return best(providers, options);
        }
        BackendProvider provider = named(name, providers);
        BackendProvider.Availability availability = provider.availability();
        if (!availability.available()) {
            throw new IllegalStateException("backend '" + name + "' is not available: " + availability.detail());
        }
        return new Backend(provider.create(options));
    }

    /**
     * Checks a name without creating a backend.
     *
     * @param name the name
     * @throws IllegalArgumentException unless it is {@link #AUTO} or the name of a provider; the message lists the known names
     */
    public static void requireKnown(String name) {
        if (!name.equals(AUTO)) {
            named(name, providers());
        }
    }

    private static BackendProvider named(String name, List<BackendProvider> providers) {
        return providers.stream()
                .filter(provider -> provider.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("backend must be auto or one of "
                        + providers.stream().map(BackendProvider::name).collect(Collectors.joining(", "))
                        + ", found '" + SafeText.of(name) + "'"));
    }

    private static Backend best(List<BackendProvider> providers, BackendOptions options) {
        List<String> reasons = new ArrayList<>();
        for (BackendProvider provider : providers) {
            BackendProvider.Availability availability = provider.availability();
            if (availability.available()) {
                return new Backend(provider.create(options));
            }
            log.info("backend '{}' is not available: {}", provider.name(), availability.detail());
            reasons.add(provider.name() + ": " + availability.detail());
        }
        throw new IllegalStateException(
                reasons.isEmpty()
                        ? "no backend on the class path; add io.lingen:lingen-cpu"
                        : "no backend is available; " + String.join("; ", reasons));
    }
}
