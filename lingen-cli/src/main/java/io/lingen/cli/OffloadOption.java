package io.lingen.cli;

import io.lingen.Offload;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The option {@code --offload}. */
final class OffloadOption {
    @Option(
            names = "--offload",
            paramLabel = "auto|none|parts",
            defaultValue = "auto",
            converter = Converter.class,
            description =
                    "Whether denoiser and decoder take turns in memory: none keeps both loaded, parts loads each when it is"
                            + " needed and frees the other, auto selects parts if the video does not fit otherwise"
                            + " (default: ${DEFAULT-VALUE}).")
    private Offload offload;

    Offload offload() {
        return offload;
    }

    /** The converter of the lower-case names of {@link Offload}. */
    static final class Converter implements ITypeConverter<Offload> {
        @Override
        public Offload convert(String text) {
            for (Offload value : Offload.values()) {
                if (value.name().toLowerCase(Locale.ROOT).equals(text)) {
                    return value;
                }
            }
            throw new TypeConversionException("offload must be auto, none or parts, found '" + text + "'");
        }
    }
}
