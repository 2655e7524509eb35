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

/** Looks backends up by name. Thread-safe. */
public final class Backends {
    /** The name that stands for the best available backend. */
    public static final String AUTO = "auto";

    private static final Logger log = LoggerFactory.getLogger(Backends.class);

    private Backends() {}

    /** All providers on the class path, best first. */
    public static List<BackendProvider> providers() {
        List<BackendProvider> found = new ArrayList<>();
        ServiceLoader.load(BackendProvider.class).forEach(found::add);
        found.sort(Comparator.comparingInt(BackendProvider::priority).reversed());
        return found;
    }

    /**
     * Makes a backend.
     *
     * @param name a provider's name, or {@link #AUTO} for the available one of the highest priority; what was passed over is logged
     * @throws IllegalArgumentException if no provider has that name; the message lists those that are there
     * @throws IllegalStateException if the backend, or with {@code auto} any backend, is not available; the message says why
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
     * Checks a name before anything is loaded for it.
     *
     * @throws IllegalArgumentException if it is neither {@link #AUTO} nor a provider's; the message lists those that are there
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
                .orElseThrow(() -> new IllegalArgumentException(
                        "unknown backend '" + SafeText.of(name) + "'; on the class path are "
                                + providers.stream().map(BackendProvider::name).collect(Collectors.joining(", "))
                                + ", and auto picks the best of them"));
    }

    private static Backend best(List<BackendProvider> providers, BackendOptions options) {
        List<String> reasons = new ArrayList<>();
        for (BackendProvider provider : providers) {
            BackendProvider.Availability availability = provider.availability();
            if (availability.available()) {
                return new Backend(provider.create(options));
            }
            log.info("backend '{}' passed over: {}", provider.name(), availability.detail());
            reasons.add(provider.name() + ": " + availability.detail());
        }
        throw new IllegalStateException(
                reasons.isEmpty()
                        ? "no backend on the class path; add io.lingen:lingen-cpu"
                        : "no backend is available; " + String.join("; ", reasons));
    }
}
