package io.lingen.cli;

import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.StageTimes;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoPlan;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import io.lingen.diffusion.SamplingStep;
import io.lingen.vae.FrameStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One video on its way, shown as it goes. */
final class VideoRun {
    private final TextToVideoPipeline pipeline;
    private final Progress progress;
    private final JsonLines json;
    private boolean isLoadTold;

    VideoRun(TextToVideoPipeline pipeline, Progress progress, JsonLines json) {
        this.pipeline = pipeline;
        this.progress = progress;
        this.json = json;
    }

    TextToVideoPipeline pipeline() {
        return pipeline;
    }

    Progress progress() {
        return progress;
    }

    JsonLines json() {
        return json;
    }

    /**
     * Makes a video.
     *
     * @param saved where to go on from; null to begin
     */
    void make(VideoRequest request, Path output, @Nullable LatentFile saved) throws IOException {
        try {
            VideoPlan plan = pipeline.plan(request);
            progress.say("video      " + describe(plan));
            VideoResult result = walk(request, output, saved);
            progress.say(summary(result));
            isLoadTold = true;
            json.done(JsonLines.Status.MADE, output, result.descriptionFile());
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            json.failed(output, ErrorReport.text(e));
            throw e;
        }
    }

    private VideoResult walk(VideoRequest request, Path output, @Nullable LatentFile saved) throws IOException {
        try (Generation generation = saved == null ? pipeline.start(request) : pipeline.resume(saved)) {
            generation.saveLatents(output, LatentFile.DEFAULT_STEPS, false);
            int left = generation.plan().steps() - generation.stepsDone();
            if (saved != null) {
                progress.say("going on   after " + generation.stepsDone() + " steps, from " + saved.path());
            }
            if (left > 0) {
                Iterator<SamplingStep> walk = progress.over("denoising", left, generation.steps());
                while (walk.hasNext()) {
                    walk.next();
                }
            }
            try (FrameStream stream = generation.frames()) {
                return generation.write(output, progress.over("decoding", stream.frameCount(), stream));
            }
        }
    }

    private static String describe(VideoPlan plan) {
        return String.format(
                Locale.ROOT,
                "%dx%d, %d frames at %d fps (%s s), %d steps, guidance %s, seed %d",
                plan.format().width(),
                plan.format().height(),
                plan.frames(),
                plan.format().fps(),
                Progress.number(plan.seconds()),
                plan.steps(),
                Progress.number(plan.guidance()),
                plan.request().seed());
    }

    private String summary(VideoResult result) {
        StageTimes times = result.times();
        return String.format(
                "%s: %s (%sencode %s, denoise %s, decode and write %s)",
                result.video(),
                time(isLoadTold ? times.total().minus(times.load()) : times.total()),
                isLoadTold ? "" : "load " + time(times.load()) + ", ",
                time(times.encode()),
                time(times.denoise()),
                time(times.write()));
    }

    private static String time(Duration duration) {
        return Progress.time(duration.toMillis() / 1000.0);
    }
}
