package io.lingen.cli;

import io.lingen.LatentFile;
import io.lingen.Offload;
import io.lingen.PipelineOptions;
import io.lingen.VideoOutput;
import io.lingen.core.DType;
import io.lingen.text.PromptRewriter;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The saved latents of a video, to resume it or to decode them as they are. */
final class SavedLatents {
    private final Console console;
    private final LatentFile file;
    private final RecordedVideo recorded;

    private SavedLatents(Console console, LatentFile file) {
        this.console = console;
        this.file = file;
        this.recorded = new RecordedVideo(file.path(), file.provenance());
    }

    /**
     * Reads the latents that a path names.
     *
     * @param latentsOrVideo a file of latents, or the video they belong to
     * @throws io.lingen.core.checkpoint.CheckpointException if the latents are missing or damaged
     */
    static SavedLatents read(Console console, Path latentsOrVideo) throws IOException {
        if (latentsOrVideo.getFileName() == null) {
            throw new IOException(latentsOrVideo + " is a folder; name a video or its latents");
        }
        return new SavedLatents(console, LatentFile.find(latentsOrVideo));
    }

    /**
     * Requires options to agree with the record: another backend or precision would give another video.
     *
     * @throws IllegalArgumentException if they don't
     */
    void requireRecorded(ComputeOptions compute, @Nullable DType precision) {
        if (precision != null && precision != recorded.precision()) {
            throw differs("--precision", file.provenance().precision());
        }
        String backend = file.provenance().backend();
        if (compute.isBackendGiven() && !List.of(backend, "auto").contains(compute.backend())) {
            throw differs("--backend", backend);
        }
    }

    private IllegalArgumentException differs(String option, String value) {
        return new IllegalArgumentException(file.path() + " was computed with " + option + " " + value
                + ", and another one would give another video; leave out " + option);
    }

    /**
     * Takes the remaining steps and writes the video; the exit code.
     *
     * @param output null for the recorded name, in the folder of the latents
     * @param textCache null to keep no encoded prompts
     */
    int resume(
            SavedLatentsOptions.Model model,
            @Nullable Path output,
            int threads,
            @Nullable Path textCache,
            Offload offload,
            OutputOptions outputs,
            LatentOptions latents)
            throws IOException {
        PipelineOptions options = console.checked(() -> PipelineOptions.defaults()
                .withBackend(file.provenance().backend())
                .withPrecision(recorded.precision())
                .withThreads(threads)
                .withRewriter(PromptRewriter.IDENTITY)
                .withTextCache(textCache)
                .withOffload(offload));
        Path video = output == null ? file.video() : output;
        VideoOutput target = console.checked(() -> outputs.of(video));
        return run(model, options, target, run -> {
            run.resume(file, target, latents);
            return 0;
        });
    }

    /**
     * Decodes the latents as they are and writes the video; the exit code.
     *
     * @param precision null for the recorded one
     */
    int decode(
            SavedLatentsOptions.Model model,
            Path output,
            ComputeOptions compute,
            @Nullable DType precision,
            OutputOptions outputs)
            throws IOException {
        PipelineOptions options = console.checked(() -> PipelineOptions.defaults()
                .withBackend(compute.isBackendGiven() ? compute.backend() : recorded.backend())
                .withPrecision(precision == null ? recorded.precision() : precision)
                .withThreads(compute.threads())
                .withRewriter(PromptRewriter.IDENTITY)
                // Only the decoder is needed.
                .withOffload(Offload.PARTS));
        VideoOutput target = console.checked(() -> outputs.of(output));
        return run(model, options, target, run -> {
            run.decode(file, target);
            return 0;
        });
    }

    private int run(
            SavedLatentsOptions.Model model, PipelineOptions options, VideoOutput target, ModelSession.Work work)
            throws IOException {
        String source = console.checked(() -> model.name() == null ? recorded.model() : model.name());
        console.check(() -> VideoWriters.check(target.video()));
        target.requireWritable();
        return ModelSession.run(console, source, options.withModel(model.files()), false, work);
    }
}
