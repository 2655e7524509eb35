package io.lingen.cli;

import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a negative prompt: the text itself, or @FILE, a file in UTF-8 that contains it. White space around the text of a file is removed. */
final class NegativePrompt implements ITypeConverter<String> {
    /** Longer than any prompt. */
    private static final int MAX_BYTES = 1 << 20;

    private static final int MAX_SHOWN = 300;
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    @Override
    public String convert(String value) {
        return value.startsWith("@") ? read(value.substring(1)) : value;
    }

    private static String read(String file) {
        try {
            Path path = Path.of(file);
            if (Files.isDirectory(path)) {
                throw invalid(
                        "a file", "the folder '" + SafeText.of(file, MAX_SHOWN) + "'", "use the path of a text file");
            }
            if (Files.notExists(path)) {
                throw invalid("an existing file", "none at '" + SafeText.of(file, MAX_SHOWN) + "'", "check the path");
            }
            return text(file, path);
        } catch (IOException | InvalidPathException e) {
            throw invalid(
                    "a readable file", SafeText.of(e.toString(), MAX_SHOWN), "check the path and its permissions");
        }
    }

    private static String text(String file, Path path) throws IOException {
        byte[] bytes;
        try (InputStream stream = Files.newInputStream(path)) {
            bytes = stream.readNBytes(MAX_BYTES + 1);
        }
        if (bytes.length > MAX_BYTES) {
            throw invalid(
                    "a file of at most " + MAX_BYTES + " bytes",
                    "a larger one at '" + SafeText.of(file, MAX_SHOWN) + "'",
                    "use a file with one prompt");
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw invalid("text in UTF-8", "other bytes in '" + SafeText.of(file, MAX_SHOWN) + "'", "convert the file");
        }
        String prompt = (text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text).strip();
        if (prompt.isEmpty()) {
            throw invalid(
                    "a file with a prompt",
                    "only white space in '" + SafeText.of(file, MAX_SHOWN) + "'",
                    "omit the option");
        }
        return prompt;
    }

    private static TypeConversionException invalid(String rule, String found, String remedy) {
        return new TypeConversionException(
                "negative prompt after @ must be " + rule + ", found " + found + "; " + remedy);
    }
}
