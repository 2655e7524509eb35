package io.lingen.cli;

import io.lingen.core.internal.SafeText;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A size, for example 128x128.
 *
 * @param width the width in pixels
 * @param height the height in pixels
 */
record Size(int width, int height) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,5})[xX](\\d{1,5})");

    /** Reads WxH. */
    static final class Converter implements ITypeConverter<Size> {
        @Override
        public Size convert(String value) {
            Matcher matcher = FORM.matcher(value);
            if (!matcher.matches()) {
                throw new TypeConversionException(
                        "size must be WIDTHxHEIGHT in pixels, for example 128x128, found '" + SafeText.of(value) + "'");
            }
            return new Size(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
        }
    }
}
