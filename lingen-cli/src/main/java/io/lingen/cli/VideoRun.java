package io.lingen.cli;

import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.StageTimes;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoOutput;
import io.lingen.VideoPlan;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import io.lingen.diffusion.SamplingStep;
import io.lingen.vae.FrameStream;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Makes single videos with a loaded model and reports their progress. For one thread. */
final class VideoRun {
    /** Starts a generation. */
    @FunctionalInterface
    private interface Start {
        Generation start() throws IOException;
    }

    private final TextToVideoPipeline pipeline;
    private final Progress progress;
    private final JsonLines json;
    private final Interruption interruption;
    private boolean isLoadReported;

    VideoRun(TextToVideoPipeline pipeline, Progress progress, JsonLines json, Interruption interruption) {
        this.pipeline = pipeline;
        this.progress = progress;
        this.json = json;
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

    /** Warns about words of the prompt that the model was not trained on and can't replace. */
    void warnOfUnknownWords(VideoRequest request) {
        String prompt = request.prompt();
        List<String> words = prompt == null ? List.of() : pipeline.unknownWords(prompt);
        if (!words.isEmpty()) {
            progress.print("warning    the model was not trained on these words of the prompt: "
                    + SafeText.of(String.join(", ", words)));
        }
    }

    /** Makes a video from the first step. Prints the command that resumes from existing latents, but does not use them. */
    void generate(VideoRequest request, VideoOutput target, LatentOptions latents) throws IOException {
        Start start = () -> {
            LatentFile saved = savedLatents(target.video(), pipeline.provenance(pipeline.plan(request)), progress);
            if (saved != null) {
                progress.print("latents    step " + saved.step() + " of " + saved.steps() + " of this video is saved; "
                        + Interruption.resumeHint(saved.path()));
            }
            return pipeline.start(request, interruption.token());
        };
        make(start, target, latents);
    }

    /** Makes a video from saved latents of the same request, or from the first step if {@code saved} is null. */
    void generate(VideoRequest request, VideoOutput target, @Nullable LatentFile saved, LatentOptions latents)
            throws IOException {
        if (saved == null) {
            make(() -> pipeline.start(request, interruption.token()), target, latents);
        } else {
            resume(saved, target, latents);
        }
    }

    /** Takes the remaining steps of an interrupted video. */
    void resume(LatentFile saved, VideoOutput target, LatentOptions latents) throws IOException {
        progress.print("resuming   at step " + saved.step() + " of " + saved.steps() + ", from " + saved.path());
        make(() -> pipeline.resume(saved, interruption.token()), target, latents);
    }

    /** Decodes saved latents without further steps. */
    void decode(LatentFile saved, VideoOutput target) throws IOException {
        progress.print("decoding   " + saved.path()
                + (saved.step() == saved.steps()
                        ? ""
                        : " at step " + saved.step() + " of " + saved.steps() + ", with the remaining noise"));
        make(() -> pipeline.decode(saved, interruption.token()), target, null);
    }

    /**
     * The latents that an interrupted run saved for a video; null if there are none or if they are malformed.
     *
     * @throws java.nio.file.FileAlreadyExistsException if there are latents with another provenance
     */
    static @Nullable LatentFile savedLatents(Path video, VideoProvenance provenance, Progress progress)
            throws IOException {
        try {
            return LatentFile.findMatching(video, provenance);
        } catch (CheckpointException e) {
            progress.print("warning    " + e.getMessage());
            return null;
        }
    }

    private void make(Start start, VideoOutput target, @Nullable LatentOptions latents) throws IOException {
        try {
            VideoResult result = run(start, target, latents);
            progress.print(summary(result));
            isLoadReported = true;
            json.made(result);
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            json.failed(target.video(), ErrorReport.text(e));
            throw e;
        }
    }

    private VideoResult run(Start start, VideoOutput target, @Nullable LatentOptions latents) throws IOException {
        try (Generation generation = start.start()) {
            VideoPlan plan = generation.plan();
            progress.print("video      " + describe(plan));
            String encoded = generation.provenance().encodedPrompt();
            if (encoded != null && !encoded.equals(plan.request().prompt())) {
                progress.print("rewritten  " + SafeText.of(encoded));
            }
            VideoWriters.check(target.video(), plan.format());
            target.requireWritable();
            interruption.watch(generation);
            if (latents != null) {
                latents.saveLatents(generation, target.video());
            }
            Iterator<SamplingStep> steps = generation.steps();
            if (steps.hasNext()) {
                int left = plan.steps() - generation.stepsDone();
                progress.over("denoising", left, steps).forEachRemaining(step -> {});
            }
            try (FrameStream stream = generation.frames()) {
                return generation.write(target, progress.over("decoding", stream.frameCount(), stream));
            }
        }
    }

    private static String describe(VideoPlan plan) {
        return String.format(
                Locale.ROOT,
                "%dx%d, %d frames at %d fps (%s s), %s, seed %d",
                plan.format().width(),
                plan.format().height(),
                plan.frames(),
                plan.format().fps(),
                Progress.number(plan.seconds()),
                ModelReport.sampling(plan.sampling()),
                plan.request().seed());
    }

    private String summary(VideoResult result) {
        StageTimes times = result.times();
        return String.format(
                "%s: %s (%sencode %s, denoise %s, decode and write %s)",
                result.video(),
                time(isLoadReported ? times.total().minus(times.load()) : times.total()),
                isLoadReported ? "" : "load " + time(times.load()) + ", ",
                time(times.encode()),
                time(times.denoise()),
                time(times.write()));
    }

    private static String time(Duration duration) {
        return Progress.time(duration.toMillis() / 1000.0);
    }
}
