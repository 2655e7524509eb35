package io.lingen;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.CloseableStack;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.SamplingStep;
import io.lingen.internal.Lifetime;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import io.lingen.vae.VideoDecoder;
import io.lingen.video.VideoWriter;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One video in progress. The caller iterates over the {@link #steps}, may preview, save or cancel between them, and then {@linkplain #write
 * writes} the video or takes its {@link #frames}.
 *
 * <pre>{@code
 * try (Generation generation = pipeline.start(request)) {
 *     for (Iterator<SamplingStep> steps = generation.steps(); steps.hasNext(); ) {
 *         show(steps.next().index());
 *     }
 *     generation.write(Path.of("out.mp4"));
 * }
 * }</pre>
 *
 * <p>A generation is cancelled by its {@link CancellationToken}, by an interrupt of the thread, or by closing the pipeline. Methods that
 * compute then throw {@link GenerationCancelledException} before the next denoiser pass or frame. Methods of a closed generation throw
 * {@link IllegalStateException}.
 *
 * <p>Owns the memory of its latent, its conditioning and its frame streams. For one thread.
 */
public final class Generation implements AutoCloseable {
    private final LoadedModel model;
    private final Backend backend;
    private final Lifetime lifetime;
    private final CancellationToken token;
    private final VideoPlan plan;
    private final @Nullable String prompt;
    private final @Nullable LatentFile saved;
    private final @Nullable VideoProvenance decoded;
    private final CloseableStack owned = new CloseableStack();
    private final CloseableStack denoising = new CloseableStack();
    private final Set<FrameStream> streams = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Tensor latent;
    private final boolean takesTurns;
    private @Nullable Sampling sampling;
    private final Duration encodeTime;
    private Duration denoiseTime = Duration.ZERO;
    private int stepsDone;
    private int framesDone;
    private volatile @Nullable LatentSaver saver;
    private volatile boolean closed;

    /**
     * Starts a generation from noise or from saved latents. Must be called within a {@linkplain LoadedModel#lifetime use of the model}.
     *
     * @param takesTurns whether denoiser and decoder are loaded alternately
     * @param prompt the prompt to encode, after rewriting; null for a class label
     * @param saved the latents to resume or to decode; null to start from noise
     * @param decoded the provenance of the video if the saved latents are decoded without further steps; null to take the remaining steps
     */
    Generation(
            LoadedModel model,
            VideoPlan plan,
            boolean takesTurns,
            @Nullable String prompt,
            @Nullable LatentFile saved,
            @Nullable VideoProvenance decoded,
            CancellationToken token) {
        long start = System.nanoTime();
        this.model = model;
        this.backend = model.backend();
        this.lifetime = model.lifetime();
        this.token = token;
        this.plan = plan;
        this.prompt = prompt;
        this.saved = saved;
        this.decoded = decoded;
        this.takesTurns = takesTurns;
        Sampler sampler = model.sampler(plan);
        try {
            // 1. Start from noise, or restore the saved latent.
            Workspace workspace = owned.add(backend.newWorkspace());
            this.latent = workspace.allocate(DType.F32, plan.latent()); // [C, T, H, W]
            if (saved == null) {
                sampler.start(plan.request().seed(), latent);
            } else {
                backend.write(saved.latent(), latent);
                this.stepsDone = saved.step();
            }

            // 2. Condition the denoiser and start the sampler.
            this.sampling =
                    decoded != null || stepsDone == plan.steps() ? null : denoising.add(sampling(sampler, saved));
        } catch (RuntimeException | Error e) {
            denoising.closeAfter(e);
            owned.closeAfter(e);
            throw e;
        }
        this.encodeTime = Duration.ofNanos(System.nanoTime() - start);
    }

    private Sampling sampling(Sampler sampler, @Nullable LatentFile from) {
        DenoisingFunction function = function();
        if (from == null) {
            return sampler.sample(function, latent);
        }
        try {
            return sampler.sample(function, latent, stepsDone, from.samplerState());
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(from.path() + ": " + e.getMessage(), e);
        }
    }

    /** Encodes the prompts and projects them for all blocks. */
    private DenoisingFunction function() {
        List<Condition> conditions = model.conditions(plan, prompt, this::throwIfCancelled);
        Denoiser denoiser =
                denoising.add(model.components().denoiser(takesTurns)).component();
        DenoisingFunction conditional = pass(denoiser, conditions.get(0));
        return plan.isGuided()
                ? Guidance.of(backend, conditional, pass(denoiser, conditions.get(1)), plan.guidance())
                : conditional;
    }

    private DenoisingFunction pass(Denoiser denoiser, Condition condition) {
        Conditioning conditioning = denoising.add(denoiser.condition(condition));
        DenoisingFunction function = Guidance.conditionalOnly(denoiser, conditioning);
        return (x, t, out) -> {
            throwIfCancelled();
            function.predict(x, t, out);
        };
    }

    /** {@return the plan of the video} */
    public VideoPlan plan() {
        return plan;
    }

    /** {@return the provenance of the video} The first call for a model without listed checksums reads all of its files. */
    public VideoProvenance provenance() {
        return use(this::currentProvenance);
    }

    private VideoProvenance currentProvenance() {
        return decoded != null ? decoded : model.provenance(plan, prompt);
    }

    /** {@return the current latent [C, T, H, W] in F32} Each step overwrites it. Valid until this generation is closed. */
    public Tensor latent() {
        return use(() -> latent);
    }

    /** {@return the number of completed steps, including those before resuming} */
    public int stepsDone() {
        return stepsDone;
    }

    /** {@return the file of the latents saved by {@link #saveLatents}, or null if none were saved} May be called from any thread. */
    public @Nullable Path savedLatents() {
        LatentSaver file = saver;
        return file == null ? null : file.savedFile();
    }

    /**
     * Starts saving the latents, for {@link TextToVideoPipeline#resume}: every few steps, after the last step, and on cancellation. The file
     * is {@link LatentFile#pathFor}. {@link #write} deletes it after the video is complete. Existing latents of the same video are replaced
     * only by those of a later step. If saving fails, a warning is logged and the generation continues.
     *
     * @param video the file that the video will be written to
     * @param everySteps the number of steps between saves; 0 to save only after the last step and on cancellation
     * @param keep whether to keep the file after the video is complete
     * @throws FileAlreadyExistsException if the file exists and does not contain latents of the same video
     * @throws IllegalArgumentException if the number of steps is negative
     */
    public void saveLatents(Path video, int everySteps, boolean keep) throws FileAlreadyExistsException {
        saver = new LatentSaver(video, everySteps, keep, saved, provenance());
    }

    /** {@return an iterator over the remaining steps} Each {@code next()} computes one step. */
    public Iterator<SamplingStep> steps() {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return sampling != null && sampling.hasNext();
            }

            @Override
            public SamplingStep next() {
                long start = System.nanoTime();
                try {
                    return use(Generation.this::step);
                } finally {
                    denoiseTime = denoiseTime.plusNanos(System.nanoTime() - start);
                }
            }
        };
    }

    private SamplingStep step() {
        if (sampling == null) {
            throw new NoSuchElementException("all " + stepsDone + " steps are complete");
        }
        SamplingStep step = sampling.next();
        stepsDone = step.index();
        LatentSaver file = saver;
        if (file != null && file.isDue(stepsDone, plan.steps())) {
            save(file);
        }
        return step;
    }

    /** {@return a stream of the frames of the current latent, which decodes them on demand} */
    public FrameStream frames() {
        return use(() -> stream(latent));
    }

    /**
     * {@return a stream of the frames of the clean latent that the last prediction points to} Before the first step of this object there is no
     * prediction, and the frames are those of the current latent with its noise. The stream does not change with later steps, and does not
     * influence them. Needs the memory of {@link #frames}, and for a moment that of a second latent.
     */
    public FrameStream preview() {
        return use(() -> {
            try (Workspace scratch = backend.newWorkspace()) {
                Tensor clean = scratch.allocate(DType.F32, latent.shape());
                if (sampling == null) {
                    backend.copy(latent, clean);
                } else {
                    sampling.estimate(clean);
                }
                return stream(clean);
            }
        });
    }

    private FrameStream stream(Tensor from) {
        if (takesTurns && stepsDone == plan.steps()) {
            freeDenoising();
        }
        ModelComponents.Use<VideoDecoder> decoder = model.components().decoder(takesTurns);
        try {
            StreamGuard guard = new StreamGuard(decoder);
            FrameStream stream = decoder.component().frames(from, guard);
            guard.stream = stream;
            streams.add(stream);
            return stream;
        } catch (RuntimeException | Error e) {
            decoder.close();
            throw e;
        }
    }

    private void freeDenoising() {
        sampling = null;
        denoising.close();
    }

    /** Keeps the model open while a frame is decoded, and forgets the stream when it is closed. */
    private final class StreamGuard implements FrameStream.Guard {
        private final ModelComponents.Use<VideoDecoder> decoder;
        private @Nullable FrameStream stream;

        StreamGuard(ModelComponents.Use<VideoDecoder> decoder) {
            this.decoder = decoder;
        }

        @Override
        public <T> T compute(Supplier<T> frame) {
            return use(frame);
        }

        @Override
        public void free(Runnable free) {
            lifetime.unlessShutDown(() -> {
                free.run();
                streams.remove(stream);
                decoder.close();
            });
        }
    }

    /**
     * Takes the remaining steps, decodes the frames, and writes the video and its sidecar.
     *
     * @param target the file or folder to write, see {@link VideoOutput#of}
     * @return the complete video and its provenance
     * @throws FileAlreadyExistsException if a file exists that LinGen did not write
     * @throws IOException if a file can't be written; no incomplete video remains
     * @throws GenerationCancelledException if the generation is cancelled; no incomplete video remains
     */
    public VideoResult write(Path target) throws IOException {
        return write(VideoOutput.of(target));
    }

    /**
     * Takes the remaining steps, decodes the frames, and writes the video and its sidecar.
     *
     * @param output the files to write
     * @return the complete video and its provenance
     * @throws FileAlreadyExistsException if a file exists that the output must not replace
     * @throws IOException if a file can't be written; no incomplete video remains
     * @throws GenerationCancelledException if the generation is cancelled; no incomplete video remains
     */
    public VideoResult write(VideoOutput output) throws IOException {
        output.requireWritable();
        steps().forEachRemaining(step -> {});
        try (FrameStream frames = frames()) {
            return write(output, frames);
        }
    }

    /**
     * Writes given frames, for example those of {@link #frames} after processing. Saved latents are deleted after video and sidecar are on
     * disk.
     *
     * @param output the files to write
     * @param frames the frames, with the size of the plan
     * @return the complete video and its provenance
     * @throws FileAlreadyExistsException if a file exists that the output must not replace
     * @throws IOException if a file can't be written; no incomplete video remains
     * @throws GenerationCancelledException if the generation is cancelled; no incomplete video remains
     */
    public VideoResult write(VideoOutput output, Iterator<Frame> frames) throws IOException {
        long start = System.nanoTime();
        output.requireWritable();
        VideoProvenance provenance = provenance();
        String device = use(backend::description);
        framesDone = 0;
        try (VideoWriter writer = VideoWriters.open(output.video(), plan.format(), provenance.toJson())) {
            while (frames.hasNext()) {
                throwIfCancelled();
                writer.write(frames.next().rgb());
                framesDone++;
            }
            // Check again: another program may have written the file meanwhile.
            output.requireReplaceable();
            writer.finish();
        }
        Path sidecar = output.sidecar();
        VideoResult result = new VideoResult(
                output.video(),
                sidecar,
                plan,
                provenance,
                device,
                new StageTimes(model.loadTime(), encodeTime, denoiseTime, Duration.ofNanos(System.nanoTime() - start)));
        if (sidecar != null) {
            MetadataSidecar.write(sidecar, result);
        }
        output.removeStaleSidecars();
        LatentSaver file = saver;
        if (file != null) {
            file.onVideoWritten();
        }
        return result;
    }

    private <T> T use(Supplier<T> work) {
        if (closed) {
            throw new IllegalStateException("the generation is closed");
        }
        throwIfCancelled();
        return lifetime.use(work, this::cancelled);
    }

    private void throwIfCancelled() {
        if (token.isCancelled()
                || lifetime.isShuttingDown()
                || Thread.currentThread().isInterrupted()) {
            throw cancelled();
        }
    }

    private GenerationCancelledException cancelled() {
        lifetime.unlessShutDown(this::saveNow);
        return new GenerationCancelledException(
                token.isCancelled()
                        ? "cancelled"
                        : lifetime.isShuttingDown()
                                ? "cancelled because the pipeline was closed"
                                : GenerationCancelledException.INTERRUPTED,
                stepsDone,
                plan.steps(),
                framesDone,
                savedLatents());
    }

    private void saveNow() {
        LatentSaver file = saver;
        if (file != null && !closed && stepsDone > file.savedStep()) {
            save(file);
        }
    }

    private void save(LatentSaver file) {
        file.save(stepsDone, () -> backend.download(latent), () -> sampling == null ? Map.of() : sampling.state());
    }

    /** Saves the latents and frees the memory when the pipeline is closed. */
    void saveAndFree() {
        saveNow();
        free();
    }

    private void free() {
        List.copyOf(streams).forEach(FrameStream::close);
        freeDenoising();
        owned.close();
    }

    /** Frees the memory of this generation and of its frame streams. Keeps saved latents. Closing twice has no effect. */
    @Override
    public void close() {
        lifetime.unlessShutDown(() -> {
            free();
            model.remove(this);
        });
        closed = true;
    }
}
