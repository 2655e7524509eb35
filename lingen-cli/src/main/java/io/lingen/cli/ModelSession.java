package io.lingen.cli;

import io.lingen.GenerationCancelledException;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.core.backend.Backends;
import java.io.IOException;

/** Loads a model for the work of one command. Ctrl-C cancels the work and prints how to resume it. */
final class ModelSession {
    /** The work of a command. */
    @FunctionalInterface
    interface Work {
        /** Returns the exit code. */
        int run(VideoRun run) throws IOException;
    }

    private ModelSession() {}

    /**
     * Runs the work; returns its exit code, or that of an interruption.
     *
     * @param batch whether an interrupted command is resumed by running it again
     */
    static int run(Console console, String model, PipelineOptions options, boolean batch, Work work)
            throws IOException {
        console.check(() -> Backends.requireKnown(options.backend()));
        Progress progress = console.progress();
        progress.print("loading    " + model);
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model, options.withProgress(progress::show));
                Interruption interruption = Interruption.listen(console.err())) {
            progress.print("backend    " + pipeline.backend().description());
            return work.run(new VideoRun(pipeline, progress, console.json(), interruption));
        } catch (GenerationCancelledException e) {
            return Interruption.report(e, console.err(), batch);
        }
    }
}
