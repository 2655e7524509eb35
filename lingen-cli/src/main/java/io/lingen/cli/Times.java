package io.lingen.cli;

import io.lingen.core.internal.SafeText;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The times of a sampler on the command line, for example 1000,757,522.
 *
 * @param values the numbers
 */
record Times(List<Double> values) {
    /** Reads T,T,... */
    static final class Converter implements ITypeConverter<Times> {
        @Override
        public Times convert(String value) {
            try {
                return new Times(
                        Stream.of(value.split(",", -1)).map(Double::valueOf).toList());
            } catch (NumberFormatException e) {
                throw new TypeConversionException("times must be numbers separated by commas, for example"
                        + " 1000,757,522, found '" + SafeText.of(value) + "'");
            }
        }
    }
}
