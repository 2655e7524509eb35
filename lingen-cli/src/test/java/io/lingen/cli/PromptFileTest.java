package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.VideoRequest;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptFileTest {
    @TempDir
    Path folder;

    @Test
    void linesArePrompts() throws IOException {
        byte[] text = "\uFEFFa red ring  \r\n\r\n   \n a \u00fc ring\nlast".getBytes(StandardCharsets.UTF_8);
        List<PromptLine> lines = read("prompts.txt", text);
        assertEquals(
                List.of("a red ring", "a \u00fc ring", "last"),
                lines.stream().map(line -> request(line).prompt()).toList());
        assertTrue(
                lines.get(1).place().endsWith("prompts.txt, line 4: "),
                lines.get(1).place());
        assertEquals(9, request(lines.get(0)).steps(), "a default");
    }

    @Test
    void linesOfJsonAreRequests() throws IOException {
        List<PromptLine> lines = read("prompts.jsonl", """
                {"prompt": "a ring"}

                {"prompt": "b", "negative_prompt": "c", "width": 64, "height": 32, "seconds": 1.5, "fps": 8, "steps": 3, "guidance": 2, "sampler": "euler", "schedule": "uniform", "shift": 3, "eta": 0.5, "seed": -1}
                {"prompt": "b", "frames": 8, "seconds": null}
                """.getBytes(StandardCharsets.UTF_8));
        assertEquals(defaults("a ring").build(), request(lines.get(0)));
        assertEquals(
                VideoRequest.builder("b")
                        .negativePrompt("c")
                        .size(64, 32)
                        .seconds(1.5)
                        .fps(8)
                        .steps(3)
                        .guidance(2)
                        .sampler("euler")
                        .schedule("uniform")
                        .shift(3)
                        .eta(0.5)
                        .seed(-1)
                        .build(),
                request(lines.get(1)));
        assertEquals(8, request(lines.get(2)).frames());
        assertNull(request(lines.get(2)).seconds(), "the length is the line's alone");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"prompt\": \"a\", \"cfg\": 3} | unknown field 'cfg'; known fields are",
                "{\"prompt\": \"a\", \"steps\": \"3\"} | field 'steps': found \"3\", expected an integer",
                "{\"prompt\": \"a\", \"seed\": 1, \"seed\": 2} | expected JSON, found Duplicate field 'seed' at column",
                "{\"prompt\": \"a\", \"steps\": 0} | field 'steps': found 0, expected an integer from 1",
                "{\"prompt\": \"a\", \"steps\": 99999} | number of steps must be 1 to 10000, found 99999",
                "{\"prompt\": \"a\", \"width\": 16} | field 'height': found nothing",
                "{\"prompt\": \"a\", \"frames\": 8, \"seconds\": 1} | in seconds or in frames, found both",
                "{\"prompt\": \"a\", \"schedule\": \" \"} | schedule must be a name of 1 to 100 characters, found \" \"",
                "{\"prompt\": \"a\", \"times\": [1, \"x\"]} | field 'times[1]': found \"x\", expected a finite number",
                "{\"prompt\": \"a\", \"times\": [1, 2]} | times must be 1 to 1000 positive numbers in decreasing order",
                "{\"prompt\": \"a\", \"shift\": -1} | field 'shift': found -1",
                "{\"prompt\": \"a\", \"seed\": 1e99} | field 'seed'",
                "{\"prompt\": \" \"} | prompt must contain visible characters",
                "{\"prompt\": \"\\ud800\"} | the unpaired surrogate",
                "{\"seed\": 1} | field 'prompt': found nothing, expected a string",
                "{\"prompt\": \"a\" | expected JSON, found Unexpected end-of-input",
                "{\"prompt\": \"a\"} {} | expected JSON, found Trailing token",
                "a ring | expected JSON, found Unrecognized token 'a'",
                "[\"a ring\"] | expected a JSON object, found [\"a ring\"]",
            })
    void invalidLinesAreReportedAndOthersAreRead(String wrong, String message) throws IOException {
        String text = "{\"prompt\": \"first\"}\n" + wrong + "\n{\"prompt\": \"last\"}\n";
        List<PromptLine> lines = read("prompts.JSONL", text.getBytes(StandardCharsets.UTF_8));
        assertEquals(3, lines.size());
        assertEquals("first", request(lines.get(0)).prompt());
        assertNull(lines.get(1).request());
        assertTrue(
                lines.get(1).place().endsWith("prompts.JSONL, line 2: "),
                lines.get(1).place());
        assertTrue(
                lines.get(1).problem().startsWith(message)
                        || lines.get(1).problem().contains(message),
                lines.get(1).problem());
        assertTrue(!lines.get(1).problem().startsWith(":"), lines.get(1).problem());
        assertEquals("last", request(lines.get(2)).prompt());
    }

    @Test
    void malformedUtf8IsReportedPerLine() throws IOException {
        List<PromptLine> lines = read("prompts.txt", "a ring\n\u00fc\nlast".getBytes(StandardCharsets.ISO_8859_1));
        assertEquals("expected UTF-8, found other bytes", lines.get(1).problem());
        assertEquals("last", request(lines.get(2)).prompt());

        lines = read("prompts.txt", new byte[] {'a', 7, 'b', '\n', 'c'});
        assertTrue(
                lines.get(0).problem().contains("control character"),
                lines.get(0).problem());
        assertEquals("c", request(lines.get(1)).prompt());
    }

    @ParameterizedTest
    @CsvSource({"UTF-16LE, \uFEFF", "UTF-16BE, \uFEFF"})
    void utf16IsRejected(String charset, String mark) {
        byte[] text = (mark + "a ring").getBytes(Charset.forName(charset));
        IOException error = assertThrows(IOException.class, () -> read("prompts.txt", text));
        assertTrue(error.getMessage().contains("found UTF-16; convert it"), error.getMessage());
    }

    @Test
    void binaryFilesAreRejected() {
        IOException error = assertThrows(IOException.class, () -> read("prompts.txt", new byte[] {'a', 0, 'b'}));
        assertTrue(error.getMessage().contains("found binary data"), error.getMessage());
    }

    @Test
    void jsonWithAnotherExtensionIsReported() throws IOException {
        List<PromptLine> lines = read("prompts.txt", "{\"prompt\": \"a\"}".getBytes(StandardCharsets.UTF_8));
        assertEquals(
                "expected a prompt, found JSON; use the extension .jsonl",
                lines.get(0).problem());
    }

    /** A line of 64 MB and a file of a million lines, neither of which is kept in memory. */
    @Test
    void hugeFilesAreStreamed() throws IOException {
        Path file = folder.resolve("huge.txt");
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            String piece = "ring ".repeat(1000);
            for (int i = 0; i < 13_000; i++) {
                writer.write(piece);
            }
            for (int i = 0; i < 1_000_000; i++) {
                writer.write("\nring " + i);
            }
        }
        long[] count = {0};
        try (PromptFile prompts = PromptFile.open(file, PromptFileTest::defaults)) {
            prompts.forEach(line -> {
                if (count[0] == 0) {
                    assertEquals("expected a line of up to 1048576 bytes, found 65000000", line.problem());
                } else {
                    assertEquals("ring " + (count[0] - 1), request(line).prompt());
                }
                count[0]++;
            });
        }
        assertEquals(1_000_001, count[0]);
    }

    @Test
    void missingFilesAndFoldersAreRejected() {
        assertThrows(IOException.class, () -> PromptFile.open(folder, PromptFileTest::defaults));
        assertThrows(IOException.class, () -> PromptFile.open(folder.resolve("none"), PromptFileTest::defaults));
    }

    private List<PromptLine> read(String name, byte[] content) throws IOException {
        Path file = Files.write(folder.resolve(name), content);
        List<PromptLine> lines = new ArrayList<>();
        try (PromptFile prompts = PromptFile.open(file, PromptFileTest::defaults)) {
            prompts.forEach(lines::add);
            prompts.forEach(line -> assertTrue(lines.contains(line), "the same when read again"));
        }
        return lines;
    }

    private static VideoRequest.Builder defaults(String prompt) {
        return VideoRequest.builder(prompt).steps(9);
    }

    private static VideoRequest request(PromptLine line) {
        assertEquals("", line.problem());
        VideoRequest request = line.request();
        assertTrue(request != null);
        return request;
    }
}
