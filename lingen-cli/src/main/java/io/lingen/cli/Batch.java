package io.lingen.cli;

import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a command that makes several videos with numbered names.
 *
 * @param console the streams of the command
 * @param resolved the model and settings
 * @param outputs the options for files
 * @param latents the options for saved latents
 * @param count the number of videos per prompt, with consecutive seeds
 * @param shard the part of the batch to make
 * @param output the file name to number
 */
record Batch(
        Console console,
        ResolvedOptions resolved,
        OutputOptions outputs,
        LatentOptions latents,
        int count,
        Shard shard,
        Path output) {
    /** Makes the videos of a prompt, or of the recorded prompt if it is null; returns the exit code. */
    int ofPrompt(@Nullable String prompt) throws IOException {
        VideoRequest request = console.checked(() -> resolved.request(prompt).build());
        PromptLine line = PromptLine.of("", request);
        return run(prompt == null, request, run -> {
            run.warnOfUnknownWords(request);
            return make(action -> action.accept(line), run);
        });
    }

    /** Makes the videos of a file of prompts; returns the exit code. */
    int ofFile(Path promptFile) throws IOException {
        if (!Files.exists(promptFile)) {
            throw new NoSuchFileException(promptFile.toString());
        }
        // Check the options before the model is loaded, with a placeholder for the prompts of the file.
        console.checked(() -> resolved.request("a prompt of the file").build());
        return run(false, null, run -> {
            try (PromptFile prompts = PromptFile.open(promptFile, resolved::request)) {
                return make(prompts, run);
            }
        });
    }

    /** Runs the batch. A request of all videos that the model rejects is a usage error; null if the requests differ. */
    private int run(boolean isRecordedPrompt, @Nullable VideoRequest request, ModelSession.Work work)
            throws IOException {
        console.check(outputs::checkForBatch);
        PipelineOptions options = console.checked(() -> resolved.pipelineOptions(isRecordedPrompt));
        String model = console.checked(resolved::model);
        if (request != null) {
            console.check(() -> TextToVideoPipeline.plan(model, options, request));
        }
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
