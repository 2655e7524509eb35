package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.VideoRequest;
import io.lingen.core.mutation.Mutations;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random damage to prompt files: each line gives a request or a printable problem. */
class PromptFileMutationTest {
    private static final long FIXED_BYTES = 1 << 20;
    private static final int MAX_PROBLEM = 1000;

    private static final String TEXT = """
            {"prompt": "a ring", "negative_prompt": "c", "width": 64, "height": 32, "seconds": 1.5, "fps": 8}
            {"prompt": "b", "frames": 8, "steps": 3, "guidance": 2, "schedule": "shifted:2", "seed": -1}
            """;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"prompts.txt", "prompts.jsonl"})
    void damagedLinesAreReadOrReported(String name) throws Exception {
        Path path = folder.resolve(name);
        new Mutations(name, FIXED_BYTES, Set.of(IOException.class), damaged -> {
                    Files.write(path, damaged);
                    try (PromptFile file = PromptFile.open(path, VideoRequest::builder)) {
                        file.forEach(PromptFileMutationTest::requirePrintable);
                    }
                })
                .run(TEXT.getBytes(StandardCharsets.UTF_8), 0);
    }

    private static void requirePrintable(PromptLine line) {
        assertTrue(line.request() != null || !line.problem().isEmpty(), line.place());
        assertTrue(line.problem().length() <= MAX_PROBLEM, line.problem());
        assertTrue(line.problem().codePoints().noneMatch(Character::isISOControl), line.problem());
    }
}
