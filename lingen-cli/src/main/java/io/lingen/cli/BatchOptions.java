package io.lingen.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that make many videos of one call. */
final class BatchOptions {
    @Option(
            names = "--prompt-file",
            paramLabel = "FILE",
            description = "A prompt a line; or .jsonl: a request a line, {\"prompt\": .., \"seed\": .., ..}.")
    private @Nullable Path promptFile;

    @Option(
            names = "--count",
            paramLabel = "N",
            description = "As many videos of each prompt, of the seeds from its own on (default: 1).")
    private @Nullable Integer count;

    @Option(
            names = "--shard",
            paramLabel = "I/N",
            converter = Shard.Converter.class,
            description = "Only the videos I, I+N, I+2N, ..., for N machines at once.")
    private @Nullable Shard shard;

    /** Whether there may be several videos: then their names are numbered, and those that are finished are left alone. */
    boolean isBatch() {
        return promptFile != null || count != null || shard != null;
    }

    /**
     * Checks the options.
     *
     * @param prompt of the command line
     * @throws IllegalArgumentException if they can't be, or don't go together with it
     * @throws IOException if there is no such prompt file
     */
    void check(@Nullable String prompt) throws IOException {
        if (prompt != null && promptFile != null) {
            throw new IllegalArgumentException(
                    "the prompt is given on the command line or by --prompt-file, found both");
        }
        if (promptFile != null && !Files.exists(promptFile)) {
            throw new NoSuchFileException(promptFile.toString());
        }
        if (count() < 1) {
            throw new IllegalArgumentException("the number of videos of a prompt is at least 1, found " + count());
        }
    }

    @Nullable
    Path promptFile() {
        return promptFile;
    }

    int count() {
        return count == null ? 1 : count;
    }

    Shard shard() {
        return shard == null ? Shard.WHOLE : shard;
    }
}
