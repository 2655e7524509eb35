package io.lingen;

import io.lingen.core.Backend;
import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.RectifiedFlowSampler;
import io.lingen.diffusion.SamplingStep;
import io.lingen.diffusion.Schedule;
import io.lingen.diffusion.VelocityField;
import io.lingen.internal.DescriptionFile;
import io.lingen.internal.Owned;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import io.lingen.video.VideoWriter;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;

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
 * <p>For one thread. Owns the memory of its latent and conditioning; close it before its pipeline.
 */
public final class Generation implements AutoCloseable {
    private final TextToVideoPipeline pipeline;
    private final VideoPlan plan;
    private final String prompt;
    private final Owned owned = new Owned();
    private final Tensor latent;
    private final Iterator<SamplingStep> steps;
    private final Duration encodeTime;
    private Duration denoiseTime = Duration.ZERO;

    Generation(TextToVideoPipeline pipeline, VideoPlan plan) {
        long start = System.nanoTime();
        this.pipeline = pipeline;
        this.plan = plan;
        Backend backend = pipeline.backend();
        try {
            // 1. Rewrite the prompt, encode it, project it for every block.
            this.prompt = pipeline.options().rewriter().rewrite(plan.request().prompt());
            VelocityField field = field(pipeline.denoiser());

            // 2. Noise of the seed.
            Workspace workspace = owned.add(backend.newWorkspace());
            this.latent = workspace.allocate(DType.F32, plan.latent()); // [C, T, H, W]
            backend.normal(plan.request().seed(), latent);

            // 3. The flow from noise to data, a step at a time.
            double[] times = Schedule.named(plan.schedule()).times(plan.steps());
            this.steps = new RectifiedFlowSampler(backend).steps(field, latent, times);
        } catch (RuntimeException | Error e) {
            owned.close();
            throw e;
        }
        this.encodeTime = Duration.ofNanos(System.nanoTime() - start);
    }

    private VelocityField field(Denoiser denoiser) {
        Conditioning conditional =
                owned.add(denoiser.condition(pipeline.encoders().encode(prompt)));
        if (!plan.isGuided()) {
            return Guidance.conditionalOnly(denoiser, conditional);
        }
        Conditioning unconditional = owned.add(
                denoiser.condition(pipeline.encoders().encode(plan.request().negativePrompt())));
        return Guidance.of(denoiser, conditional, unconditional, plan.guidance());
    }

    /** What is being made. */
    public VideoPlan plan() {
        return plan;
    }

    /** What the video can be made again from. The first call of a pipeline may take its time: it reads all of the model's files. */
    public VideoDescription description() {
        return pipeline.describe(plan, prompt);
    }

    /** The latent [C, T, H, W] as far as the steps have brought it, in F32; overwritten by the next step. */
    public Tensor latent() {
        return latent;
    }

    /** The sampler's steps that are left; each {@code next()} computes one. */
    public Iterator<SamplingStep> steps() {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return steps.hasNext();
            }

            @Override
            public SamplingStep next() {
                long start = System.nanoTime();
                try {
                    return steps.next();
                } finally {
                    denoiseTime = denoiseTime.plusNanos(System.nanoTime() - start);
                }
            }
        };
    }

    /** The frames of the latent as it is now, decoded as they are taken. Before the last step they are a preview. To be closed by the caller. */
    public FrameStream frames() {
        return pipeline.decoder().frames(latent);
    }

    /**
     * Takes the steps that are left, decodes the frames and writes them as they come.
     *
     * @param target the file to write, of a kind that {@link VideoWriters} knows; a JSON file with the same name describes it
     * @throws IOException if the file can't be written; nothing is left of it then
     */
    public VideoResult write(Path target) throws IOException {
        try (FrameStream frames = finishedFrames()) {
            return write(target, frames);
        }
    }

    private FrameStream finishedFrames() {
        steps().forEachRemaining(step -> {});
        return frames();
    }

    /**
     * Writes given frames: those of {@link #frames}, seen or changed on the way.
     *
     * @param target the file to write, of a kind that {@link VideoWriters} knows; a JSON file with the same name describes it
     * @throws IOException if the file can't be written; nothing is left of it then
     */
    public VideoResult write(Path target, Iterator<Frame> frames) throws IOException {
        long start = System.nanoTime();
        try (VideoWriter writer =
                VideoWriters.open(target, plan.format(), description().toJson())) {
            while (frames.hasNext()) {
                writer.write(frames.next().rgb());
            }
            writer.finish();
        }
        VideoResult result = new VideoResult(
                target,
                DescriptionFile.besides(target),
                plan,
                description(),
                new StageTimes(
                        pipeline.loadTime(), encodeTime, denoiseTime, Duration.ofNanos(System.nanoTime() - start)));
        DescriptionFile.write(result, pipeline.backend().description());
        return result;
    }

    @Override
    public void close() {
        owned.close();
    }
}
