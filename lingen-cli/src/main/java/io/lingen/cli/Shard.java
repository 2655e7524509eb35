package io.lingen.cli;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A part of a batch, for example 2/3 for the videos 2, 5, 8, ...
 *
 * @param index the number of the part, from 1 to {@code parts}
 * @param parts the number of parts
 */
record Shard(int index, int parts) {
    static final Shard ALL = new Shard(1, 1);

    private static final Pattern FORM = Pattern.compile("(\\d{1,9})/(\\d{1,9})");

    /** Whether this part contains a video, counted from 1. */
    boolean has(long row) {
        return (row - index) % parts == 0;
    }

    /** Reads I/N. */
    static final class Converter implements ITypeConverter<Shard> {
        @Override
        public Shard convert(String value) {
            Matcher matcher = FORM.matcher(value);
            if (matcher.matches()) {
                Shard shard = new Shard(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
                if (shard.index >= 1 && shard.index <= shard.parts) {
                    return shard;
                }
            }
            throw new TypeConversionException(
                    "shard must be I/N with I from 1 to N, for example 2/3, found '" + value + "'");
        }
    }
}
