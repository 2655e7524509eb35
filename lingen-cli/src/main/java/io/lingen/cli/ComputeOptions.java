package io.lingen.cli;

import io.lingen.core.DType;
import io.lingen.core.backend.Backends;
import io.lingen.core.internal.Quoted;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options that say where it is computed. */
final class ComputeOptions {
    @Option(
            names = "--backend",
            paramLabel = "auto|cpu|nd4j|cuda",
            description = "Where to compute; auto (default) takes the best that is there, see 'lingen info'.")
    private @Nullable String backend;

    @Option(names = "--threads", paramLabel = "N", description = "Processor threads to use (default: all).")
    private int threads = Runtime.getRuntime().availableProcessors();

    String backend() {
        return backend == null ? Backends.AUTO : backend;
    }

    boolean isBackendGiven() {
        return backend != null;
    }

    int threads() {
        return threads;
    }

    /** Reads "bf16" or "f32". */
    static final class Precision implements ITypeConverter<DType> {
        @Override
        public DType convert(String value) {
            switch (value.toLowerCase(java.util.Locale.ROOT)) {
                case "bf16":
                    return DType.BF16;
                case "f32":
                    return DType.F32;
                default:
                    throw new TypeConversionException("the precision is bf16 or f32, found '" + Quoted.of(value) + "'");
            }
        }
    }
}
