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

/** The saved latents of a video, to resume it or to decode them without further steps. */
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
     * Reads latents.
     *
     * @param latentsOrVideo a latents file, or the video it belongs to
     * @throws io.lingen.core.checkpoint.CheckpointException if the latents are missing or malformed
     */
    static SavedLatents read(Console console, Path latentsOrVideo) throws IOException {
        if (latentsOrVideo.getFileName() == null) {
            throw new IOException(latentsOrVideo + ": expected a video or its latents, found a folder");
        }
        return new SavedLatents(console, LatentFile.find(latentsOrVideo));
    }

    /**
     * Requires options to equal the recorded values, because another backend or precision would give another video.
     *
     * @throws IllegalArgumentException if one differs
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

    private IllegalArgumentException differs(String option, String recordedValue) {
        return new IllegalArgumentException(
                option + " must be " + recordedValue + " to resume " + file.path() + ", found another one; omit it");
    }

    /**
     * Takes the remaining steps and writes the video; returns the exit code.
     *
     * @param output null for the recorded name, in the folder of the latents
     * @param textCache the folder for encoded prompts, or null for none
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
                .withModel(recorded.withLoras(model.files()))
                .withTextCache(textCache)
                .withOffload(offload));
        Path video = output == null ? file.video() : output;
        VideoOutput target = console.checked(() -> outputs.of(video));
        return run(model.name(), options, target, run -> {
            run.resume(file, target, latents);
            return 0;
        });
    }

    /**
     * Decodes the latents without further steps and writes the video; returns the exit code.
     *
     * @param backend null for the recorded one
     * @param precision null for the recorded one
     */
    int decode(
            SavedLatentsOptions.Model model,
            Path output,
            @Nullable String backend,
            @Nullable DType precision,
            int threads,
            OutputOptions outputs)
            throws IOException {
        PipelineOptions options = console.checked(() -> PipelineOptions.defaults()
                .withBackend(backend == null ? recorded.backend() : backend)
                .withPrecision(precision == null ? recorded.precision() : precision)
                .withThreads(threads)
                .withRewriter(PromptRewriter.IDENTITY)
                .withModel(model.files())
                // Only the decoder is needed.
                .withOffload(Offload.PARTS));
        VideoOutput target = console.checked(() -> outputs.of(output));
        return run(model.name(), options, target, run -> {
            run.decode(file, target);
            return 0;
        });
    }

    private int run(@Nullable String model, PipelineOptions options, VideoOutput target, ModelSession.Work work)
            throws IOException {
        String source = console.checked(() -> model == null ? recorded.model() : model);
        console.check(() -> VideoWriters.check(target.video()));
        target.requireWritable();
        return ModelSession.run(console, source, options, false, work);
    }
}
