package io.lingen.cli;

import io.lingen.Generation;
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

/** One video on its way, shown as it goes. */
final class VideoRun {
    private final TextToVideoPipeline pipeline;
    private final Progress progress;
    private final JsonLines json;

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

    /** Makes a video. */
    void make(VideoRequest request, Path output) throws IOException {
        try {
            VideoPlan plan = pipeline.plan(request);
            progress.say("video      " + describe(plan));
            VideoResult result = walk(request, output);
            progress.say(summary(result));
            json.done(JsonLines.Status.MADE, output, result.descriptionFile());
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            json.failed(output, ErrorReport.text(e));
            throw e;
        }
    }

    private VideoResult walk(VideoRequest request, Path output) throws IOException {
        try (Generation generation = pipeline.start(request)) {
            Iterator<SamplingStep> walk =
                    progress.over("denoising", generation.plan().steps(), generation.steps());
            while (walk.hasNext()) {
                walk.next();
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

    private static String summary(VideoResult result) {
        StageTimes times = result.times();
        return String.format(
                "%s: %s (load %s, encode %s, denoise %s, decode and write %s)",
                result.video(),
                time(times.total()),
                time(times.load()),
                time(times.encode()),
                time(times.denoise()),
                time(times.write()));
    }

    private static String time(Duration duration) {
        return Progress.time(duration.toMillis() / 1000.0);
    }
}
