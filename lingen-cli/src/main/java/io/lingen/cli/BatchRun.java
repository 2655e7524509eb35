package io.lingen.cli;

import io.lingen.GenerationCancelledException;
import io.lingen.LatentFile;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoOutput;
import io.lingen.VideoPlan;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.core.internal.SafeText;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Makes the videos of a batch with a loaded model. Videos are numbered from 1 in the order of the prompts. Complete videos with the same
 * provenance are skipped, interrupted ones are resumed, and a failed one does not stop the others. For one thread.
 */
final class BatchRun {
    private static final int MAX_REPORTED = 10;

    /** An action on one video of the batch. */
    private interface RowAction {
        void accept(long number, PromptLine line) throws IOException;
    }

    private final Batch batch;
    private final PromptLines lines;
    private final VideoRun run;
    private final TextToVideoPipeline pipeline;
    private final PrintWriter err;
    private long total;
    private long invalid;
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
        if (invalid > MAX_REPORTED) {
            err.println("lingen: " + invalid + " of " + total + " requests are invalid; the first " + MAX_REPORTED
                    + " are listed above");
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
        String problem = row(number, line, new Progress(err, Progress.Form.QUIET)).problem;
        if (!problem.isEmpty() && ++invalid <= MAX_REPORTED) {
            report(number, line, problem);
        }
    }

    private void make(long number, PromptLine line) throws IOException {
        Row row = row(number, line, run.progress());
        Path target = row.output.video();
        VideoRequest request = line.request();
        if (request == null || !row.problem.isEmpty()) {
            failed++;
            run.json().failed(target, line.place() + row.problem);
        } else if (row.finished != null) {
            skipped++;
            run.progress().print(target + ": skipped, already complete");
            run.json().skipped(row.output, row.finished);
        } else {
            make(number, line, request, row.output, row.saved);
        }
    }

    /**
     * The state of a video before it is made.
     *
     * @param output the files to write
     * @param problem the reason why the video can't be made; empty if it can
     * @param finished the provenance of the video if it is complete, otherwise null
     * @param saved the latents to resume from; null if there are none
     */
    private record Row(
            VideoOutput output,
            String problem,
            @Nullable VideoProvenance finished,
            @Nullable LatentFile saved) {}

    private Row row(long number, PromptLine line, Progress progress) {
        VideoOutput output = batch.outputs().of(target(batch.output(), number));
        VideoRequest request = line.request();
        if (request == null) {
            return new Row(output, line.problem(), null, null);
        }
        try {
            VideoPlan plan = pipeline.plan(request);
            VideoWriters.check(output.video(), plan.format());
            VideoProvenance provenance = pipeline.provenance(plan);
            if (isFinished(output, provenance)) {
                return new Row(output, "", provenance, null);
            }
            output.requireReplaceable();
            return new Row(output, "", null, VideoRun.savedLatents(output.video(), provenance, progress));
        } catch (IOException | IllegalArgumentException e) {
            return new Row(output, ErrorReport.text(e), null, null);
        }
    }

    private void make(
            long number, PromptLine line, VideoRequest request, VideoOutput output, @Nullable LatentFile saved) {
        run.progress()
                .print(output.video() + ", " + (made + skipped + failed + 1) + " of " + total + ": "
                        + SafeText.of(request.subject()));
        try {
            run.generate(request, output, saved, batch.latents());
            made++;
        } catch (GenerationCancelledException e) {
            throw e;
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            failed++;
            report(number, line, ErrorReport.text(e));
        }
    }

    /** Whether a video is complete and has this provenance. The sidecar is written last, so both files must exist and agree. */
    private static boolean isFinished(VideoOutput output, VideoProvenance provenance) {
        try {
            Path sidecar = output.sidecar();
            return Files.exists(output.video())
                    && (sidecar == null
                            || Files.isRegularFile(sidecar)
                                    && provenance.equals(
                                            RecordedVideo.read(sidecar).provenance()))
                    && provenance.equals(RecordedVideo.read(output.video()).provenance());
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    /** The numbered file name of a video: out-0001.mp4 for out.mp4. */
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
