package io.lingen.sana.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * The instruction that the text encoder reads before every prompt that is not negative. It is a part of the model: the transformer was trained
 * with it. The resource {@value #RESOURCE} contains it, below a header of lines that start with "#".
 */
final class Instruction {
    private static final String RESOURCE = "instruction.txt";
    private static final String HEADER = "#";

    /** The instruction of the published models. */
    static final String PUBLISHED = ofLines(lines());

    private Instruction() {}

    /**
     * {@return the instruction that consists of lines}
     *
     * @param lines the lines; the last one ends with the space before the prompt
     */
    static String ofLines(List<String> lines) {
        return String.join("\n", lines);
    }

    private static List<String> lines() {
        try (InputStream resource = Instruction.class.getResourceAsStream(RESOURCE)) {
            byte[] bytes = Objects.requireNonNull(resource).readAllBytes();
            return new String(bytes, StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith(HEADER))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
