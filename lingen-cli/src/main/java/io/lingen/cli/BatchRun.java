package io.lingen.cli;

import io.lingen.GenerationCancelledException;
import io.lingen.LatentFile;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoDescription;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import io.lingen.core.internal.SafeText;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Makes the videos of a batch with a loaded model. They are numbered from 1, in the order of the prompts, and named by the number. Finished
 * videos with the same description are skipped, interrupted ones are resumed, and a failed one does not stop the others. For one thread.
 */
final class BatchRun {
    private static final int MOST_SHOWN = 10;

    /** A video of the batch. */
    private interface RowAction {
        void accept(long number, PromptLine line) throws IOException;
    }

    private final Batch batch;
    private final PromptLines lines;
    private final VideoRun run;
    private final TextToVideoPipeline pipeline;
    private final PrintWriter err;
    private long total;
    private long wrong;
    private long made;
    private long skipped;
    private long failed;

    BatchRun(Batch batch, PromptLines lines, VideoRun run) {
        this.batch = batch;
        this.lines = lines;
        this.run = run;
        this.pipeline = run.pipeline();
        this.err = batch.console().err();
    }

    /**
     * Makes the videos of the batch's shard; returns whether all succeeded.
     *
     * @throws IOException if the prompts can't be read
     */
    boolean run() throws IOException {
        forEach(this::check);
        if (wrong > MOST_SHOWN) {
            err.println("lingen: " + wrong + " of " + total + " videos can't be made for such reasons");
        }
        forEach(this::make);
        String summary =
                String.format(Locale.ROOT, "%d videos: %d made, %d skipped, %d failed", total, made, skipped, failed);
        if (failed > 0) {
            err.println("lingen: " + summary);
            err.flush();
        } else {
            run.progress().print(summary);
        }
        return failed == 0;
    }

    private void forEach(RowAction action) throws IOException {
        long[] number = {0};
        lines.forEach(line -> {
            number[0]++;
            if (batch.shard().has(number[0])) {
                action.accept(number[0], line);
            }
        });
    }

    /** Reports an invalid request before the first video is made. */
    private void check(long number, PromptLine line) {
        total++;
        String problem = problem(line);
        if (!problem.isEmpty() && ++wrong <= MOST_SHOWN) {
            report(number, line, problem);
        }
    }

    private String problem(PromptLine line) {
        VideoRequest request = line.request();
        if (request == null) {
            return line.problem();
        }
        try {
            VideoWriters.check(batch.output(), pipeline.plan(request).format());
            return "";
        } catch (IllegalArgumentException e) {
            return ErrorReport.text(e);
        }
    }

    private void make(long number, PromptLine line) throws IOException {
        Path target = target(batch.output(), number);
        String problem = problem(line);
        VideoRequest request = line.request();
        if (request == null || !problem.isEmpty()) {
            failed++;
            run.json().failed(target, line.place() + problem);
            return;
        }
        VideoDescription description = pipeline.describe(pipeline.plan(request));
        if (isFinished(target, description)) {
            skipped++;
            run.progress().print(target + ": finished already");
            run.json().done(JsonLines.Status.SKIPPED, target, VideoResult.descriptionFileOf(target));
        } else {
            make(number, line, request, target, VideoRun.savedLatents(target, description, run.progress()));
        }
    }

    private void make(long number, PromptLine line, VideoRequest request, Path target, @Nullable LatentFile saved) {
        run.progress()
                .print(target + ", " + (made + skipped + failed + 1) + " of " + total + ": "
                        + SafeText.of(request.subject()));
        try {
            run.generate(request, target, saved, batch.latents());
            made++;
        } catch (GenerationCancelledException e) {
            throw e;
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            failed++;
            report(number, line, ErrorReport.text(e));
        }
    }

    /** Whether a video is complete and has this description. The .json is written last, so both must exist and agree. */
    private static boolean isFinished(Path video, VideoDescription description) {
        Path beside = VideoResult.descriptionFileOf(video);
        try {
            return Files.exists(video)
                    && Files.isRegularFile(beside)
                    && description.equals(RecordedVideo.read(beside).description())
                    && description.equals(RecordedVideo.read(video).description());
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    /** out.mp4 becomes out-0001.mp4. */
    static Path target(Path output, long number) {
        String name = output.getFileName().toString();
        int dot = name.lastIndexOf('.');
        int end = dot > 0 ? dot : name.length();
        return output.resolveSibling(
                String.format(Locale.ROOT, "%s-%04d%s", name.substring(0, end), number, name.substring(end)));
    }

    private void report(long number, PromptLine line, String problem) {
        err.println("lingen: " + target(batch.output(), number).getFileName() + ": " + line.place() + problem);
        err.flush();
    }
}
