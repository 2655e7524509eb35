package io.lingen.bench.internal;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The backend of the running benchmark, which {@link OperationProfiler} reads the counted operations from. */
final class BenchmarkBackend {
    private static volatile @Nullable Backend current;

    private BenchmarkBackend() {}

    static Backend open(String name, int threads) {
        Backend backend = Backends.create(name, new BackendOptions(threads));
        current = backend;
        return backend;
    }

    /** Returns the operations counted so far, or 0 before a backend is open. */
    static long operations() {
        Backend backend = current;
        return backend == null ? 0 : backend.operations().total();
    }

    static DType precision(String name) {
        return DType.valueOf(name.toUpperCase(Locale.ROOT));
    }
}
