package io.lingen.cli;

import io.lingen.PipelineOptions;
import io.lingen.VideoRequest;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Several videos made by one command, under numbered names.
 *
 * @param count videos per prompt, with consecutive seeds
 * @param shard the part of the batch to make
 * @param output the name to number
 */
record Batch(
        Console console,
        ResolvedOptions resolved,
        OutputOptions outputs,
        LatentOptions latents,
        int count,
        Shard shard,
        Path output) {
    /** Makes the videos of a prompt, or of the recorded one if it is null; the exit code. */
    int ofPrompt(@Nullable String prompt) throws IOException {
        VideoRequest request = console.checked(() -> resolved.request(prompt).build());
        PromptLine line = PromptLine.of("", request);
        return run(prompt == null, run -> make(action -> action.accept(line), run));
    }

    /** Makes the videos of a file of prompts; the exit code. */
    int ofFile(Path promptFile) throws IOException {
        if (!Files.exists(promptFile)) {
            throw new NoSuchFileException(promptFile.toString());
        }
        // The options are checked now, with a prompt in place of those in the file.
        console.checked(() -> resolved.request("a prompt of the file").build());
        return run(false, run -> {
            try (PromptFile prompts = PromptFile.open(promptFile, resolved::request)) {
                return make(prompts, run);
            }
        });
    }

    private int run(boolean isRecordedPrompt, ModelSession.Work work) throws IOException {
        console.check(outputs::checkForBatch);
        PipelineOptions options = console.checked(() -> resolved.pipelineOptions(isRecordedPrompt));
        String model = console.checked(resolved::model);
        VideoWriters.requireWritable(BatchRun.target(output, 1));
        return ModelSession.run(console, model, options, true, run -> {
            resolved.compare(run);
            return work.run(run);
        });
    }

    private int make(PromptLines lines, VideoRun run) throws IOException {
        return new BatchRun(this, lines.withSeeds(count), run).run() ? 0 : 1;
    }
}
