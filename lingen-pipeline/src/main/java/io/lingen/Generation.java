package io.lingen;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.CloseableStack;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.SamplingStep;
import io.lingen.internal.Lifetime;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
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
 * One video on its way from prompt to file. The walk is the caller's loop: take the {@link #steps}, stop when you like, look at the
 * latent in between, then take the {@link #frames} or {@link #write} them.
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
 * <p>For one thread. Owns the memory of its latent, its conditioning and its frame streams. A cancelled {@link CancellationToken}, an
 * interrupt of the thread and the closing of its pipeline end it: every method that computes then throws
 * {@link GenerationCancelledException}, before its next pass of the denoiser or its next frame.
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
    private final Set<FrameStream> streams = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Tensor latent;
    private final @Nullable Sampling sampling;
    private final Duration encodeTime;
    private Duration denoiseTime = Duration.ZERO;
    private int stepsDone;
    private int framesDone;
    private volatile @Nullable LatentSaver saver;
    private volatile boolean closed;

    /**
     * From noise, or from saved latents. To be called within a use of the model.
     *
     * @param prompt what is encoded, after the rewriter; null for a class
     * @param saved where to go on from; null to begin
     * @param decoded what the saved latents are if they are to be decoded as they are; null to take the steps that are left
     */
    Generation(
            LoadedModel model,
            VideoPlan plan,
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
        Sampler sampler = model.sampler(plan);
        try {
            // 1. Noise of the seed, or what it had become.
            Workspace workspace = owned.add(backend.newWorkspace());
            this.latent = workspace.allocate(DType.F32, plan.latent()); // [C, T, H, W]
            if (saved == null) {
                sampler.start(plan.request().seed(), latent);
            } else {
                backend.write(saved.latent(), latent);
                this.stepsDone = saved.step();
            }

            // 2. The way from noise to data, a step at a time.
            this.sampling = decoded != null || stepsDone == plan.steps() ? null : owned.add(sampling(sampler, saved));
        } catch (RuntimeException | Error e) {
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

    /** Encodes prompt and negative prompt, projects them for every block. */
    private DenoisingFunction function() {
        List<Condition> conditions = model.conditions(plan, prompt, this::throwIfCancelled);
        DenoisingFunction conditional = pass(conditions.get(0));
        return plan.isGuided()
                ? Guidance.of(backend, conditional, pass(conditions.get(1)), plan.guidance())
                : conditional;
    }

    private DenoisingFunction pass(Condition condition) {
        Conditioning conditioning = owned.add(model.denoiser().condition(condition));
        DenoisingFunction function = Guidance.conditionalOnly(model.denoiser(), conditioning);
        return (x, t, out) -> {
            throwIfCancelled();
            function.predict(x, t, out);
        };
    }

    /** What is being made. */
    public VideoPlan plan() {
        return plan;
    }

    /** What the video can be made again from. The first call of a pipeline may take its time: it reads all of the model's files. */
    public VideoProvenance provenance() {
        return use(this::currentProvenance);
    }

    private VideoProvenance currentProvenance() {
        return decoded != null ? decoded : model.provenance(plan, prompt);
    }

    /** The latent [C, T, H, W] as far as the steps have brought it, in F32; overwritten by the next step, valid until this is closed. */
    public Tensor latent() {
        return use(() -> latent);
    }

    /** The sampler's steps that are done; those before a resumption count. */
    public int stepsDone() {
        return stepsDone;
    }

    /** The file that {@link #saveLatents} has saved to, or null if there is nothing to go on from yet. Any thread may ask. */
    public @Nullable Path savedLatents() {
        LatentSaver file = saver;
        return file == null ? null : file.savedFile();
    }

    /**
     * From now on saves the latents beside the video, in {@link LatentFile#pathFor}, for {@link TextToVideoPipeline#resume}: every few
     * steps, after the last one, and when the generation is cancelled. The file is removed when {@link #write} has written the video. A file
     * of the same video that is further is left until this one overtakes it. If saving fails, a warning is logged, and the generation
     * continues.
     *
     * @param video the file that the video is going to be
     * @param everySteps 0 for after the last step and at cancellation only
     * @param keep whether the file stays when the video is complete
     * @throws FileAlreadyExistsException if the latents of another video have the file's name
     */
    public void saveLatents(Path video, int everySteps, boolean keep) throws FileAlreadyExistsException {
        saver = new LatentSaver(video, everySteps, keep, saved, provenance());
    }

    /** The sampler's steps that are left; each {@code next()} computes one. */
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
            throw new NoSuchElementException("all " + stepsDone + " steps are done");
        }
        SamplingStep step = sampling.next();
        stepsDone = step.index();
        LatentSaver file = saver;
        if (file != null && file.isDue(stepsDone, plan.steps())) {
            save(file);
        }
        return step;
    }

    /** The frames of the latent as it is now, decoded as they are taken. */
    public FrameStream frames() {
        return use(() -> stream(latent));
    }

    /**
     * What the video will be like by what is known now: the frames of the clean latent that the last step's prediction points to.
     * Before the first step of this object, a resumed one's too, no prediction is known and the latent itself is shown, noise and all. Takes
     * the memory of {@link #frames} and for a moment that of one more latent; the generation goes on unchanged, and the stream stays as
     * it is.
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
        StreamGuard guard = new StreamGuard();
        FrameStream stream = model.decoder().frames(from, guard);
        guard.stream = stream;
        streams.add(stream);
        return stream;
    }

    /** Holds the model open while a frame is decoded, and forgets the stream when it is closed. */
    private final class StreamGuard implements FrameStream.Guard {
        private @Nullable FrameStream stream;

        @Override
        public <T> T compute(Supplier<T> frame) {
            return use(frame);
        }

        @Override
        public void free(Runnable free) {
            lifetime.unlessShutDown(() -> {
                free.run();
                streams.remove(stream);
            });
        }
    }

    /** Writes the video and its sidecar, as {@link #write(VideoOutput)} does with {@link VideoOutput#of}. */
    public VideoResult write(Path target) throws IOException {
        return write(VideoOutput.of(target));
    }

    /**
     * Takes the steps that are left, decodes the frames and writes them as they come.
     *
     * @throws FileAlreadyExistsException if a file would be replaced that may not be
     * @throws IOException if a file can't be written; nothing is left of it then
     * @throws GenerationCancelledException if it was cancelled; nothing is left of the file then
     */
    public VideoResult write(VideoOutput output) throws IOException {
        output.requireWritable();
        steps().forEachRemaining(step -> {});
        try (FrameStream frames = frames()) {
            return write(output, frames);
        }
    }

    /**
     * Writes given frames: those of {@link #frames}, seen or changed on the way. Video and sidecar are on disk before saved latents are
     * removed.
     *
     * @throws FileAlreadyExistsException if a file would be replaced that may not be
     * @throws IOException if a file can't be written; nothing is left of it then
     * @throws GenerationCancelledException if it was cancelled; nothing is left of the file then
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
            // A file may have appeared meanwhile.
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
                                ? "cancelled by the closing of the pipeline"
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

    /** The end of its pipeline: saves what was done, as any other cancellation does, and frees its memory. */
    void saveAndFree() {
        saveNow();
        free();
    }

    private void free() {
        List.copyOf(streams).forEach(FrameStream::close);
        owned.close();
    }

    /** Frees its memory and that of its streams. Latents that were saved stay. */
    @Override
    public void close() {
        lifetime.unlessShutDown(() -> {
            free();
            model.remove(this);
        });
        closed = true;
    }
}
