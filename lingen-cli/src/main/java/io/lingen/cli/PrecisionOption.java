package io.lingen.cli;

import io.lingen.core.DType;
import io.lingen.core.internal.SafeText;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The option {@code --precision}. */
final class PrecisionOption {
    @Option(
            names = "--precision",
            paramLabel = "bf16|f32",
            converter = Converter.class,
            description =
                    "Precision of matrix products and activations. f32 is more exact, bf16 is faster and needs half the memory"
                            + " (default: bf16).")
    private @Nullable DType precision;

    /** The precision, or null if the option is absent. */
    @Nullable
    DType precision() {
        return precision;
    }

    /** The converter of "bf16" and "f32", in any case. */
    static final class Converter implements ITypeConverter<DType> {
        @Override
        public DType convert(String value) {
            switch (value.toLowerCase(Locale.ROOT)) {
                case "bf16":
                    return DType.BF16;
                case "f32":
                    return DType.F32;
                default:
                    throw new TypeConversionException(
                            "precision must be bf16 or f32, found '" + SafeText.of(value) + "'");
            }
        }
    }
}
