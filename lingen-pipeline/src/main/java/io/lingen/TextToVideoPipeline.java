package io.lingen;

import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Denoiser;
import io.lingen.spi.ModelFamilies;
import io.lingen.text.PromptRewriter;
import io.lingen.text.TextEncoders;
import io.lingen.vae.VideoDecoder;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model that makes videos from prompts.
 *
 * <p>Thread-safe: several videos may be generated at once, at the sum of their memory, and each is what it would be alone. Owns what it
 * loads, the backend included. {@link #close} may be called at any time, from any thread that is not inside of one of these methods: it
 * cancels the generations that are under way. A closed pipeline throws {@link IllegalStateException}.
 */
public final class TextToVideoPipeline implements AutoCloseable {
    /** The name of the model that comes with the library, from the artifact lingen-nano. */
    public static final String NANO = "nano";

    private final LoadedModel model;

    private TextToVideoPipeline(LoadedModel model) {
        this.model = model;
    }

    /**
     * Loads a model with the default options.
     *
     * @param model the path of a model folder, or {@value #NANO}
     * @throws CheckpointException if it is not a model, or an ill-formed one
     */
    public static TextToVideoPipeline load(String model) {
        return load(model, PipelineOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param model the path of a model folder, or {@value #NANO}
     * @throws CheckpointException if it is not a model, or an ill-formed one
     * @throws IllegalArgumentException if there is no backend of the options' name
     * @throws IllegalStateException if the backend is not available here
     * @throws io.lingen.core.OutOfMemoryException if the weights don't fit
     */
    public static TextToVideoPipeline load(String model, PipelineOptions options) {
        return new TextToVideoPipeline(new LoadedModel(source(model), options));
    }

    /** A model's files: of a folder, or of the {@value #NANO} model on the class path. To be closed by the caller. */
    public static ModelSource source(String model) {
        return LoadedModel.source(model);
    }

    /**
     * Makes a video: the whole walk. For progress and previews take it step by step from {@link #start}.
     *
     * @param target the file to write, of a kind that {@link VideoWriters} knows; a JSON file with the same name describes it
     * @throws IllegalArgumentException if the model can't make what is asked for, or the kind of file can't hold it; the message says what
     *     it can
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit into memory
     * @throws IOException if the file can't be written, which is tried before anything is computed; if that turns out at the end only, its latents are left, see {@link Generation#saveLatents}
     * @throws GenerationCancelledException if meanwhile this pipeline is closed or the thread is interrupted
     */
    public VideoResult generate(VideoRequest request, Path target) throws IOException {
        return generate(request, target, new CancellationToken());
    }

    /**
     * As {@link #generate(VideoRequest, Path)}, ended early by a token. On the way the latents are {@linkplain Generation#saveLatents saved}
     * every {@value LatentFile#DEFAULT_STEPS} steps, so that {@link #resume} can go on after whatever happens.
     *
     * @throws GenerationCancelledException if meanwhile the token is cancelled, this pipeline is closed or the thread is interrupted
     */
    public VideoResult generate(VideoRequest request, Path target, CancellationToken token) throws IOException {
        return generate(request, VideoOutput.of(target), token);
    }

    /**
     * As {@link #generate(VideoRequest, Path, CancellationToken)}, with a sidecar of another name or none, or over existing files.
     *
     * @throws java.nio.file.FileAlreadyExistsException before a step is computed, if a file of another video, or one that LinGen did not
     *     write, would be replaced
     */
    public VideoResult generate(VideoRequest request, VideoOutput output, CancellationToken token) throws IOException {
        VideoWriters.check(output.video(), plan(request).format());
        output.requireWritable();
        try (Generation generation = start(request, token)) {
            generation.saveLatents(output.video(), LatentFile.DEFAULT_STEPS, false);
            return generation.write(output);
        }
    }

    /**
     * Begins a video: everything is checked, the prompts are encoded, no step is taken yet.
     *
     * @return to be closed by the caller
     * @throws IllegalArgumentException if the model can't make what is asked for; the message says what it can
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit into memory
     */
    public Generation start(VideoRequest request) {
        return start(request, new CancellationToken());
    }

    /**
     * As {@link #start(VideoRequest)}, ended early by a token.
     *
     * @throws GenerationCancelledException if the token is cancelled, or the thread interrupted, already
     */
    public Generation start(VideoRequest request, CancellationToken token) {
        return begin(plan(request), null, token);
    }

    /**
     * Goes on with a video from its saved latents. What comes out is, bit for bit, what one uninterrupted run gives.
     *
     * @return to be closed by the caller
     * @throws CheckpointException if the latents are of another model, or not of the size that they should have
     * @throws IllegalArgumentException if they were computed on another backend or in another precision than this pipeline's
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit into memory
     */
    public Generation resume(LatentFile saved) {
        return resume(saved, new CancellationToken());
    }

    /**
     * As {@link #resume(LatentFile)}, ended early by a token.
     *
     * @throws GenerationCancelledException if the token is cancelled, or the thread interrupted, already
     */
    public Generation resume(LatentFile saved, CancellationToken token) {
        return model.lifetime().use(() -> {
            LatentFilePlanner video = new LatentFilePlanner(saved, model);
            return begin(video.planToResume(), saved, token);
        });
    }

    private Generation begin(VideoPlan plan, @Nullable LatentFile saved, CancellationToken token) {
        return model.lifetime().use(() -> {
            throwIfCancelled(saved, plan.steps(), token);
            model.requireMemory(plan);
            // Reuse the recorded prompt: rewriters may be non-deterministic.
            String prompt = saved == null
                    ? model.encodedPrompt(plan.request())
                    : saved.provenance().encodedPrompt();
            return model.add(new Generation(model, plan, prompt, saved, null, token));
        });
    }

    /**
     * Takes saved latents as they are, to decode them with this pipeline's decoder: it may be another model's, and steps may be missing. The
     * video's description says so. The generation has no steps left.
     *
     * @return to be closed by the caller
     * @throws CheckpointException if the decoder does not take latents of that many channels
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit into memory
     * @throws GenerationCancelledException if the token is cancelled, or the thread interrupted, already
     */
    public Generation decode(LatentFile saved, CancellationToken token) {
        return model.lifetime().use(() -> {
            throwIfCancelled(saved, saved.steps(), token);
            LatentFilePlanner video = new LatentFilePlanner(saved, model);
            VideoPlan plan = video.planToDecode();
            model.requireMemoryToDecode(plan.latent());
            return model.add(new Generation(
                    model, plan, saved.provenance().encodedPrompt(), saved, video.decodedProvenance(plan), token));
        });
    }

    private static void throwIfCancelled(@Nullable LatentFile saved, int steps, CancellationToken token) {
        if (token.isCancelled() || Thread.currentThread().isInterrupted()) {
            throw new GenerationCancelledException(
                    token.isCancelled() ? "cancelled" : GenerationCancelledException.INTERRUPTED,
                    saved == null ? 0 : saved.step(),
                    steps,
                    0,
                    saved == null ? null : saved.path());
        }
    }

    /**
     * What the model makes of a request.
     *
     * @throws IllegalArgumentException if it can't make what is asked for; the message offers the nearest sizes
     */
    public VideoPlan plan(VideoRequest request) {
        return model.lifetime().use(() -> model.plan(request));
    }

    /**
     * What a model would make of a request, from its configuration files alone.
     *
     * @throws IllegalArgumentException if it can't make what is asked for; the message offers the nearest sizes
     * @throws CheckpointException if it is not a model, or an ill-formed one
     */
    public static VideoPlan plan(String model, PipelineOptions options, VideoRequest request) {
        try (ModelSource source = options.model().applyTo(source(model))) {
            return RequestPlanner.of(ModelFamilies.open(source, options.model()))
                    .plan(request);
        }
    }

    /** What a video takes of memory. */
    public MemoryForecast forecast(VideoPlan plan) {
        return model.lifetime().use(() -> model.forecast(plan));
    }

    /** The model's name. */
    public String model() {
        return model.name();
    }

    /**
     * One SHA-256 sum, in hexadecimal, for all files of the model: that of the lines which sha256sum writes of them, sorted by path. Models
     * with a file SHA256SUMS are compared with it when they are loaded; of others the sum is computed when it is first asked for, at
     * the latest for the first video.
     *
     * @throws CheckpointException if a file has become unreadable
     */
    public String modelHash() {
        return model.lifetime().use(model::hash);
    }

    /** What a video of this pipeline can be made again from, if a rewriter that is asked twice gives the same answer. */
    public VideoProvenance provenance(VideoPlan plan) {
        return model.lifetime().use(() -> model.provenance(plan, model.encodedPrompt(plan.request())));
    }

    /** The options that it was loaded with. */
    public PipelineOptions options() {
        return model.options();
    }

    /** Where it computes. As for the parts below, what you do with it yourself is not waited for by {@link #close}. */
    public Backend backend() {
        return model.lifetime().use(model::backend);
    }

    /** The words of a prompt that the model is known not to know, in the prompt's order; empty if nothing is known. */
    public List<String> unknownWords(String prompt) {
        return model.lifetime().use(() -> model.description().unknownWords(prompt));
    }

    /** What prompts go through before they are encoded: the options' rewriter, or the model's own. */
    public PromptRewriter rewriter() {
        return model.rewriter();
    }

    /** The text encoders. */
    public TextEncoders encoders() {
        return model.lifetime().use(model::encoders);
    }

    /** The denoiser. */
    public Denoiser denoiser() {
        return model.lifetime().use(model::denoiser);
    }

    /** The decoder. */
    public VideoDecoder decoder() {
        return model.lifetime().use(model::decoder);
    }

    /** How long loading took. */
    public Duration loadTime() {
        return model.loadTime();
    }

    /**
     * Cancels the generations that are under way, waits for the passes and frames that they are computing, and frees everything. Latents
     * that are to be saved are. Closing twice has no effect.
     *
     * @throws IllegalStateException if it is called from within one of these methods, by a {@link io.lingen.text.PromptRewriter} for example
     */
    @Override
    public void close() {
        model.close();
    }
}
