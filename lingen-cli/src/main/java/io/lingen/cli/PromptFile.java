package io.lingen.cli;

import io.lingen.VideoRequest;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A file of prompts in UTF-8, read one line at a time. A text file has one prompt per line. A {@code .jsonl} file has one JSON object per
 * line, with the fields of the request in a video's provenance. Blank lines are skipped.
 */
final class PromptFile implements PromptLines, AutoCloseable {
    /** Longer than any prompt. Bounds the memory for files without line ends. */
    private static final int MAX_LINE_BYTES = 1 << 20;

    /** Enough to distinguish text from videos, archives and UTF-16. */
    private static final int START_BYTES = 4096;

    private final Path file;
    private final @Nullable Path copy;
    private final Function<String, VideoRequest.Builder> defaults;
    private final boolean json;

    private PromptFile(Path file, @Nullable Path copy, Function<String, VideoRequest.Builder> defaults) {
        this.file = file;
        this.copy = copy;
        this.defaults = defaults;
        this.json = file.toString().toLowerCase(Locale.ROOT).endsWith(".jsonl");
    }

    /**
     * Opens a file.
     *
     * @param defaults starts the request of a prompt, before the line's own fields are set
     * @throws IOException if it can't be read
     */
    static PromptFile open(Path file, Function<String, VideoRequest.Builder> defaults) throws IOException {
        if (Files.isDirectory(file)) {
            throw new IOException(file + ": expected a file of prompts, found a folder");
        }
        if (Files.isRegularFile(file)) {
            return new PromptFile(file, null, defaults);
        }
        // A pipe can be read only once, but forEach is called twice.
        try (InputStream stream = Files.newInputStream(file)) {
            Path copy = Files.createTempFile("lingen-", "-prompts");
            Files.copy(stream, copy, StandardCopyOption.REPLACE_EXISTING);
            return new PromptFile(file, copy, defaults);
        }
    }

    @Override
    public void close() throws IOException {
        if (copy != null) {
            Files.delete(copy);
        }
    }

    @Override
    public void forEach(LineAction action) throws IOException {
        Path source = copy == null ? file : copy;
        try (InputStream stream = new BufferedInputStream(Files.newInputStream(source), 1 << 16)) {
            checkStart(stream);
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            long number = 1;
            long length = 0;
            boolean isEmpty = true;
            for (int next = stream.read(); ; next = stream.read()) {
                if (next == '\n' || next < 0) {
                    isEmpty &= !accept(number++, line.toByteArray(), length, action);
                    line.reset();
                    length = 0;
                    if (next < 0) {
                        break;
                    }
                } else if (length++ < MAX_LINE_BYTES) {
                    line.write(next);
                }
            }
            if (isEmpty) {
                throw new IOException(file + ": expected at least one prompt, found none");
            }
        }
    }

    /** Rejects UTF-16 and binary files, and skips a byte order mark. */
    private void checkStart(InputStream stream) throws IOException {
        stream.mark(START_BYTES);
        byte[] start = stream.readNBytes(START_BYTES);
        stream.reset();
        if (start.length >= 3 && start[0] == (byte) 0xEF && start[1] == (byte) 0xBB && start[2] == (byte) 0xBF) {
            stream.skipNBytes(3);
        } else if (start.length >= 2 && (start[0] & start[1]) == (byte) 0xFE && (start[0] | start[1]) == (byte) 0xFF) {
            throw new IOException(file + ": expected prompts in UTF-8, found UTF-16; convert it, for example: iconv -f"
                    + " UTF-16 -t UTF-8");
        }
        for (byte value : start) {
            if (value == 0) {
                throw new IOException(
                        file + ": expected prompts in UTF-8, found binary data; use a text file of prompts");
            }
        }
    }

    /** Passes on a line unless it is blank; returns whether it did. */
    private boolean accept(long number, byte[] bytes, long length, LineAction action) throws IOException {
        String place = file + ", line " + number + ": ";
        if (length > MAX_LINE_BYTES) {
            action.accept(PromptLine.invalid(
                    place, "expected a line of up to " + MAX_LINE_BYTES + " bytes, found " + length));
            return true;
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString()
                    .strip();
            if (text.isEmpty()) {
                return false;
            }
            action.accept(line(place, text));
        } catch (CharacterCodingException e) {
            action.accept(PromptLine.invalid(place, "expected UTF-8, found other bytes"));
        }
        return true;
    }

    private PromptLine line(String place, String text) {
        try {
            if (json) {
                return PromptLine.of(place, request(ConfigReader.parse("", text.getBytes(StandardCharsets.UTF_8))));
            }
            if (text.startsWith("{\"")) {
                return PromptLine.invalid(place, "expected a prompt, found JSON; use the extension .jsonl");
            }
            return PromptLine.of(place, defaults.apply(text).build());
        } catch (CheckpointException e) {
            // The place names file and line; Jackson sees one line only.
            String message = String.valueOf(e.getMessage()).replaceFirst("^: ", "");
            return PromptLine.invalid(place, message.replace(" at line 1, column ", " at column "));
        } catch (IllegalArgumentException e) {
            return PromptLine.invalid(place, String.valueOf(e.getMessage()));
        }
    }

    private VideoRequest request(ConfigReader json) {
        VideoRequest.Builder request = json.has("label")
                ? ofLabel(json.integer("label", 0, Integer.MAX_VALUE))
                : defaults.apply(json.text("prompt"));
        if (json.has("negative_prompt")) {
            request.negativePrompt(json.text("negative_prompt"));
        }
        if (json.has("width") || json.has("height")) {
            request.size(positive(json, "width"), positive(json, "height"));
        }
        if (json.has("seconds") || json.has("frames")) {
            request.seconds(json.has("seconds") ? (Double) json.number("seconds", 0, Double.MAX_VALUE) : null);
            request.frames(json.has("frames") ? (Integer) positive(json, "frames") : null);
        }
        if (json.has("fps")) {
            request.fps(positive(json, "fps"));
        }
        if (json.has("guidance")) {
            request.guidance(json.number("guidance", 0, VideoRequest.MAX_GUIDANCE));
        }
        samplerChoice(json).applyTo(request);
        if (json.has("seed")) {
            request.seed(json.whole("seed"));
        }
        json.end();
        return request.build();
    }

    /** Keeps the negative prompt of the options, so that the request is rejected because of it. */
    private VideoRequest.Builder ofLabel(int label) {
        VideoRequest other = defaults.apply("a prompt").build();
        return other.toBuilder().label(label).negativePrompt(other.negativePrompt());
    }

    private static SamplerChoice samplerChoice(ConfigReader json) {
        return new SamplerChoice(
                json.has("sampler") ? json.text("sampler") : null,
                json.has("schedule") ? json.text("schedule") : null,
                json.has("shift") ? (Double) json.number("shift", 0, VideoRequest.MAX_SHIFT) : null,
                json.has("times") ? json.numbers("times", 1, VideoRequest.MAX_TIMES) : null,
                json.has("steps") ? (Integer) positive(json, "steps") : null,
                json.has("eta") ? (Double) json.number("eta", 0, 1) : null);
    }

    private static int positive(ConfigReader json, String field) {
        return json.integer(field, 1, Integer.MAX_VALUE);
    }
}
