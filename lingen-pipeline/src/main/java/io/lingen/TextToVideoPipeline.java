package io.lingen;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.CloseableStack;
import io.lingen.core.op.Grid;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.internal.Lifetime;
import io.lingen.internal.MemoryCheck;
import io.lingen.internal.ModelFiles;
import io.lingen.internal.ModelLimits;
import io.lingen.text.PromptRewriter;
import io.lingen.text.TextEncoders;
import io.lingen.text.Thesaurus;
import io.lingen.vae.LatentVideoDecoder;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;
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

    private static final String NANO_RESOURCE = "io/lingen/nano";

    private final PipelineOptions options;
    private final CloseableStack owned = new CloseableStack();
    private final Lifetime lifetime = new Lifetime("the pipeline");
    private final Set<Generation> generations = ConcurrentHashMap.newKeySet();
    private final ModelSource source;
    private final ModelLimits limits;
    private final ModelFiles files;
    private final Backend backend;
    private final PromptRewriter rewriter;
    private final TextEncoders encoders;
    private final Denoiser denoiser;
    private final LatentVideoDecoder decoder;
    private final MemoryEstimator memory;
    private final Duration loadTime;

    private TextToVideoPipeline(ModelSource model, PipelineOptions options) {
        long start = System.nanoTime();
        this.options = options;
        this.source = owned.add(model);
        try {
            this.limits = ModelLimits.read(source);
            ModelIndex index = limits.index();
            this.files = new ModelFiles(source, index);
            files.check();
            this.rewriter = rewriter(source, index, options);
            this.backend = owned.add(Backends.create(options.backend(), new BackendOptions(options.threads())));
            this.memory = owned.add(new MemoryEstimator(source, limits, backend, options.precision()));
            MemoryCheck.require(
                    backend,
                    "the model " + source.name(),
                    memory.loadingBytes(),
                    () -> inBrainFloats(estimator -> estimator.loadingBytes()));
            this.denoiser = owned.add(VideoTransformer.load(source, index.transformer(), backend, options.precision()));
            this.decoder = owned.add(LatentVideoDecoder.load(source, index.vae(), backend, options.precision()));
            this.encoders = owned.add(TextEncoders.load(source, index.textEncoders(), options.threads()));
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
        this.loadTime = Duration.ofNanos(System.nanoTime() - start);
    }

    private static PromptRewriter rewriter(ModelSource source, ModelIndex index, PipelineOptions options) {
        if (options.rewriter() != null) {
            return options.rewriter();
        }
        return index.thesaurus() == null ? PromptRewriter.IDENTITY : Thesaurus.read(source, index.thesaurus());
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
        return new TextToVideoPipeline(source(model), options);
    }

    /** A model's files: of a folder, or of the {@value #NANO} model on the class path. To be closed by the caller. */
    public static ModelSource source(String model) {
        return model.equals(NANO)
                ? ModelSource.ofResource(TextToVideoPipeline.class.getClassLoader(), NANO_RESOURCE)
                : ModelSource.of(Path.of(model));
    }

    /**
     * Makes a video: the whole walk. For progress and previews take it step by step from {@link #start}.
     *
     * @param target the file to write, of a kind that {@link VideoWriters} knows; a JSON file with the same name describes it
     * @throws IllegalArgumentException if the model can't make what is asked for, or the kind of file can't hold it; the message says what
     *     it can
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit into memory
     * @throws IOException if the file can't be written, which is tried before anything is computed; if that turns out at the end only, its latents are left, see {@link Generation#saveLatents}
     * @throws GenerationCancelledException if this pipeline is closed meanwhile
     */
    public VideoResult generate(VideoRequest request, Path target) throws IOException {
        return generate(request, target, new CancellationToken());
    }

    /**
     * As {@link #generate(VideoRequest, Path)}, ended early by a token. On the way the latents are {@linkplain Generation#saveLatents saved}
     * every {@value LatentFile#DEFAULT_STEPS} steps, so that {@link #resume} can go on after whatever happens.
     *
     * @throws GenerationCancelledException if the token is cancelled, or this pipeline closed, meanwhile
     */
    public VideoResult generate(VideoRequest request, Path target, CancellationToken token) throws IOException {
        VideoWriters.check(target, plan(request).format());
        VideoWriters.requireWritable(target);
        try (Generation generation = start(request, token)) {
            generation.saveLatents(target, LatentFile.DEFAULT_STEPS, false);
            return generation.write(target);
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
     * @throws GenerationCancelledException if the token is cancelled already
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
     * @throws GenerationCancelledException if the token is cancelled already
     */
    public Generation resume(LatentFile saved, CancellationToken token) {
        VideoDescription recorded = saved.description();
        VideoDescription own = describe(planOf(saved), recorded.encodedPrompt());
        requireSame(saved, "on backend", recorded.backend(), own.backend());
        requireSame(saved, "in precision", recorded.precision(), own.precision());
        if (!recorded.modelHash().equals(own.modelHash())) {
            throw new CheckpointException(saved.path() + ": expected latents of the model " + model()
                    + " with SHA-256 " + own.modelHash() + ", found those of " + recorded.model() + " with "
                    + recorded.modelHash() + ". Resume with the model that began them");
        }
        return begin(planOf(saved), saved, token);
    }

    private VideoPlan planOf(LatentFile saved) {
        VideoPlan plan;
        try {
            plan = plan(saved.description().request());
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    saved.path() + ": the model " + model() + " can't make this video: " + e.getMessage(), e);
        }
        if (!plan.latent().equals(saved.latent().shape())) {
            throw new CheckpointException(saved.path() + ": expected a latent " + plan.latent()
                    + " for the recorded request, found " + saved.latent().shape()
                    + ". The file is damaged or of another model");
        }
        return plan;
    }

    private static void requireSame(LatentFile saved, String what, String recorded, String own) {
        if (!recorded.equals(own)) {
            throw new IllegalArgumentException(saved.path() + " was computed " + what + " " + recorded
                    + " and this pipeline computes " + what + " " + own
                    + ", which would give another video; load the pipeline with " + recorded);
        }
    }

    private Generation begin(VideoPlan plan, @Nullable LatentFile saved, CancellationToken token) {
        return lifetime.use(() -> {
            requireWanted(saved, plan.steps(), token);
            MemoryCheck.require(backend, "this video", memory.forecast(plan).videoBytes(), () -> settingsThatFit(plan));
            // A rewriter that has no fixed answer must not have a second say.
            String prompt = saved == null
                    ? rewriter.rewrite(plan.request().prompt())
                    : saved.description().encodedPrompt();
            return open(new Generation(this, plan, prompt, saved, null, token));
        });
    }

    private Generation open(Generation generation) {
        generations.add(generation);
        return generation;
    }

    /**
     * Takes saved latents as they are, to decode them with this pipeline's decoder: it may be another model's, and steps may be missing. The
     * video's description says so. The generation has no steps left.
     *
     * @return to be closed by the caller
     * @throws CheckpointException if the decoder does not take latents of that many channels
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit into memory
     * @throws GenerationCancelledException if the token is cancelled already
     */
    public Generation decode(LatentFile saved, CancellationToken token) {
        Shape latent = saved.latent().shape();
        return lifetime.use(() -> {
            requireWanted(saved, saved.steps(), token);
            int channels = decoder.config().latentChannels();
            if (latent.length(0) != channels) {
                throw new CheckpointException(saved.path() + ": expected latents [" + channels
                        + ", T, H, W] for the decoder of the model " + model() + ", found " + latent);
            }
            Grid cells = new Grid((int) latent.length(1), (int) latent.length(2), (int) latent.length(3));
            MemoryCheck.require(
                    backend,
                    "this video",
                    memory.decodingBytes(latent),
                    () -> inBrainFloats(estimator -> estimator.decodingBytes(latent)));
            VideoDescription recorded = saved.description();
            VideoPlan plan = VideoPlan.of(recorded.request(), decoder.config().framesOf(cells), latent);
            String difference = difference(saved, describe(plan, recorded.encodedPrompt()));
            return open(new Generation(
                    this,
                    plan,
                    recorded.encodedPrompt(),
                    saved,
                    difference.isEmpty() ? recorded : recorded.withDecoded(difference),
                    token));
        });
    }

    private static String difference(LatentFile saved, VideoDescription own) {
        VideoDescription recorded = saved.description();
        List<String> differences = new ArrayList<>();
        if (saved.step() < saved.steps()) {
            differences.add("after step " + saved.step() + " of " + saved.steps());
        }
        if (!own.modelHash().equals(recorded.modelHash())) {
            differences.add("by the decoder of " + own.model() + " " + own.modelHash());
        }
        if (!own.backend().equals(recorded.backend()) || !own.precision().equals(recorded.precision())) {
            differences.add("on " + own.backend() + " in " + own.precision());
        }
        return String.join(", ", differences);
    }

    private static void requireWanted(@Nullable LatentFile saved, int steps, CancellationToken token) {
        if (token.isCancelled()) {
            throw new GenerationCancelledException(
                    "cancelled", saved == null ? 0 : saved.step(), steps, 0, saved == null ? null : saved.path());
        }
    }

    /** What a generation calls when it is closed. */
    void forget(Generation generation) {
        generations.remove(generation);
    }

    /** What every use of native memory goes through. */
    Lifetime lifetime() {
        return lifetime;
    }

    /**
     * What the model makes of a request.
     *
     * @throws IllegalArgumentException if it can't make what is asked for; the message offers the nearest sizes
     */
    public VideoPlan plan(VideoRequest request) {
        return lifetime.use(() -> limits.plan(request));
    }

    /**
     * What a model would make of a request, from its configuration files alone.
     *
     * @throws IllegalArgumentException if it can't make what is asked for; the message offers the nearest sizes
     * @throws CheckpointException if it is not a model, or an ill-formed one
     */
    public static VideoPlan plan(String model, VideoRequest request) {
        try (ModelSource source = source(model)) {
            return ModelLimits.read(source).plan(request);
        }
    }

    /** What a video takes of memory. */
    public MemoryForecast forecast(VideoPlan plan) {
        return lifetime.use(() -> memory.forecast(plan));
    }

    private List<String> settingsThatFit(VideoPlan plan) {
        List<String> settings =
                new ArrayList<>(memory.whatFits(plan.request(), backend.availableBytes(), MemoryForecast::videoBytes));
        settings.addAll(inBrainFloats(estimator -> estimator.forecast(plan).videoBytes()));
        return settings;
    }

    /** Whether it would fit in the smaller precision. */
    private List<String> inBrainFloats(ToLongFunction<MemoryEstimator> need) {
        if (options.precision() == DType.BF16) {
            return List.of();
        }
        try (MemoryEstimator estimator = new MemoryEstimator(source, limits, backend, DType.BF16)) {
            return need.applyAsLong(estimator) <= backend.availableBytes() ? List.of("precision bf16") : List.of();
        }
    }

    /** The model's name. */
    public String model() {
        return source.name();
    }

    /**
     * One SHA-256 sum, in hexadecimal, for all files of the model: that of the lines which sha256sum writes of them, sorted by path. Models
     * with a file SHA256SUMS are compared with it when they are loaded; of others the sum is computed when it is first asked for, at
     * the latest for the first video.
     *
     * @throws CheckpointException if a file has become unreadable
     */
    public String modelHash() {
        return lifetime.use(files::hash);
    }

    /** What a video of this pipeline can be made again from, if a rewriter that is asked twice gives the same answer. */
    public VideoDescription describe(VideoPlan plan) {
        return lifetime.use(() -> describe(plan, rewriter.rewrite(plan.request().prompt())));
    }

    /** Not refused while the pipeline ends: the latents that are saved then are described too. */
    VideoDescription describe(VideoPlan plan, String encodedPrompt) {
        VideoRequest asked = plan.request();
        VideoRequest whole = VideoRequest.builder(asked.prompt())
                .negativePrompt(asked.negativePrompt())
                .size(plan.format().width(), plan.format().height())
                .frames(plan.frames())
                .fps(plan.format().fps())
                .steps(plan.steps())
                .guidance(plan.guidance())
                .schedule(plan.schedule())
                .eta(plan.eta())
                .seed(asked.seed())
                .build();
        return new VideoDescription(
                VideoDescription.libraryVersion(),
                model(),
                files.hash(),
                backend.name(),
                options.precision().name().toLowerCase(Locale.ROOT),
                whole,
                encodedPrompt.equals(asked.prompt()) ? null : encodedPrompt,
                null);
    }

    /** The options that it was loaded with. */
    public PipelineOptions options() {
        return options;
    }

    /** Where it computes. As for the parts below, what you do with it yourself is not waited for by {@link #close}. */
    public Backend backend() {
        return lifetime.use(() -> backend);
    }

    /** What prompts go through before they are encoded: the options' rewriter, or the model's own. */
    public PromptRewriter rewriter() {
        return rewriter;
    }

    /** The text encoders. */
    public TextEncoders encoders() {
        return lifetime.use(() -> encoders);
    }

    /** The denoiser. */
    public Denoiser denoiser() {
        return lifetime.use(() -> denoiser);
    }

    /** The decoder. */
    public LatentVideoDecoder decoder() {
        return lifetime.use(() -> decoder);
    }

    /** How long loading took. */
    public Duration loadTime() {
        return loadTime;
    }

    /**
     * Cancels the generations that are under way, waits for the passes and frames that they are computing, and frees everything. Latents
     * that are to be saved are. Closing twice has no effect.
     *
     * @throws IllegalStateException if it is called from within one of these methods, by a {@link io.lingen.text.PromptRewriter} for example
     */
    @Override
    public void close() {
        lifetime.end(() -> {
            generations.forEach(Generation::end);
            owned.close();
        });
    }
}
