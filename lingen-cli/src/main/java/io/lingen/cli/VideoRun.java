package io.lingen.cli;

import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.StageTimes;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoDescription;
import io.lingen.VideoPlan;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.Quoted;
import io.lingen.diffusion.SamplingStep;
import io.lingen.vae.FrameStream;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One video on its way, shown as it goes. */
final class VideoRun {
    private final TextToVideoPipeline pipeline;
    private final Progress progress;
    private final JsonLines json;
    private final LatentOptions latents;
    private final Interruption interruption;
    private boolean isLoadTold;

    VideoRun(
            TextToVideoPipeline pipeline,
            Progress progress,
            JsonLines json,
            LatentOptions latents,
            Interruption interruption) {
        this.pipeline = pipeline;
        this.progress = progress;
        this.json = json;
        this.latents = latents;
        this.interruption = interruption;
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

    /** Makes a video from its beginning; says so if there are latents of it to go on from. */
    void make(VideoRequest request, Path output) throws IOException {
        LatentFile saved = saved(output, pipeline.describe(pipeline.plan(request)));
        if (saved != null) {
            progress.say("saved      " + saved.path() + " holds step " + saved.step() + " of " + saved.steps()
                    + " of this video; --resume goes on from there");
        }
        make(request, output, null);
    }

    /**
     * Makes a video.
     *
     * @param saved where to go on from; null to begin
     */
    void make(VideoRequest request, Path output, @Nullable LatentFile saved) throws IOException {
        if (saved == null) {
            make(() -> pipeline.start(request, interruption.token()), output, true);
        } else {
            progress.say("going on   after " + saved.step() + " steps, from " + saved.path());
            make(() -> pipeline.resume(saved, interruption.token()), output, true);
        }
    }

    /** Makes a video of saved latents. */
    void make(SavedLatents saved, Path output) throws IOException {
        progress.say(saved.description());
        make(() -> saved.start(pipeline, interruption.token()), output, saved.isResumed());
    }

    /** The latents of a video that was interrupted, if they are there and of this description. */
    @Nullable
    LatentFile saved(Path video, VideoDescription description) {
        Path file = LatentFile.besides(video);
        if (!Files.exists(file)) {
            return null;
        }
        try {
            LatentFile saved = LatentFile.read(file);
            return saved.description().equals(description) ? saved : null;
        } catch (CheckpointException e) {
            progress.say("warning    " + e.getMessage());
            return null;
        }
    }

    private void make(Supplier<Generation> start, Path output, boolean saving) throws IOException {
        try {
            VideoResult result = walk(start, output, saving);
            progress.say(summary(result));
            isLoadTold = true;
            json.done(JsonLines.Status.MADE, output, result.descriptionFile());
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            json.failed(output, ErrorReport.text(e));
            throw e;
        }
    }

    private VideoResult walk(Supplier<Generation> start, Path output, boolean saving) throws IOException {
        try (Generation generation = start.get()) {
            VideoPlan plan = generation.plan();
            progress.say("video      " + describe(plan));
            String encoded = generation.description().encodedPrompt();
            if (!encoded.equals(plan.request().prompt())) {
                progress.say("read as    " + Quoted.of(encoded));
            }
            VideoWriters.check(output, plan.format());
            interruption.watch(generation);
            if (saving) {
                generation.saveLatents(output, latents.saveEvery(), latents.keep());
            }
            Iterator<SamplingStep> steps = generation.steps();
            if (steps.hasNext()) {
                int left = plan.steps() - generation.stepsDone();
                progress.over("denoising", left, steps).forEachRemaining(step -> {});
            }
            try (FrameStream stream = generation.frames()) {
                return generation.write(output, progress.over("decoding", stream.frameCount(), stream));
            }
        }
    }

    private static String describe(VideoPlan plan) {
        return String.format(
                Locale.ROOT,
                "%dx%d, %d frames at %d fps (%s s), %d steps, guidance %s, %sseed %d",
                plan.format().width(),
                plan.format().height(),
                plan.frames(),
                plan.format().fps(),
                Progress.number(plan.seconds()),
                plan.steps(),
                Progress.number(plan.guidance()),
                plan.eta() == 0 ? "" : "eta " + Progress.number(plan.eta()) + ", ",
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
