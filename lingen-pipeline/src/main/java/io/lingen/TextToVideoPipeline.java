package io.lingen;

import io.lingen.core.Backend;
import io.lingen.core.BackendOptions;
import io.lingen.core.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.internal.DenoisingMemory;
import io.lingen.internal.MemoryCheck;
import io.lingen.internal.ModelFiles;
import io.lingen.internal.ModelLimits;
import io.lingen.internal.Owned;
import io.lingen.text.TextEncoders;
import io.lingen.vae.LatentVideoDecoder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/**
 * A loaded model that makes videos from prompts.
 *
 * <p>Thread-safe: several videos may be generated at once, at the sum of their memory. Owns what it loads, the backend included; close it
 * after every {@link Generation}.
 */
public final class TextToVideoPipeline implements AutoCloseable {
    /** The name of the model that comes with the library, from the artifact lingen-nano. */
    public static final String NANO = "nano";

    private static final String NANO_RESOURCE = "io/lingen/nano";

    private final PipelineOptions options;
    private final Owned owned = new Owned();
    private final ModelSource source;
    private final ModelLimits limits;
    private final ModelFiles files;
    private final Backend backend;
    private final TextEncoders encoders;
    private final Denoiser denoiser;
    private final LatentVideoDecoder decoder;
    private final DenoisingMemory denoisingMemory;
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
            this.backend = owned.add(Backends.create(options.backend(), new BackendOptions(options.threads())));
            this.denoisingMemory = owned.add(new DenoisingMemory(source, index.transformer(), options.precision()));
            MemoryCheck.require(
                    backend,
                    "the model " + source.name(),
                    denoisingMemory.weightBytes(),
                    "use precision bf16, which takes half of f32, or a machine with more memory");
            this.denoiser = owned.add(VideoTransformer.load(source, index.transformer(), backend, options.precision()));
            this.decoder = owned.add(LatentVideoDecoder.load(source, index.vae(), backend, options.precision()));
            this.encoders = owned.add(TextEncoders.load(source, index.textEncoders(), options.threads()));
        } catch (RuntimeException | Error e) {
            owned.close();
            throw e;
        }
        this.loadTime = Duration.ofNanos(System.nanoTime() - start);
    }

    /**
     * Loads a model with the default options.
     *
     * @param model the path of a model folder, or {@value #NANO}
     * @throws io.lingen.core.checkpoint.CheckpointException if it is not a model, or an ill-formed one
     */
    public static TextToVideoPipeline load(String model) {
        return load(model, PipelineOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param model the path of a model folder, or {@value #NANO}
     * @throws io.lingen.core.checkpoint.CheckpointException if it is not a model, or an ill-formed one
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
     * Makes a video: the whole walk. For progress, previews and cancellation take it step by step from {@link #start}.
     *
     * @param target the MP4 file to write; a JSON file with the same name describes it
     * @throws IllegalArgumentException if the model can't make what is asked for; the message says what it can
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit into memory
     * @throws IOException if the file can't be written; nothing is left of it then
     */
    public VideoResult generate(VideoRequest request, Path target) throws IOException {
        try (Generation generation = start(request)) {
            generation.steps().forEachRemaining(step -> {});
            return generation.write(target);
        }
    }

    /**
     * Begins a video: everything is checked, nothing is computed yet.
     *
     * @return to be closed by the caller
     * @throws IllegalArgumentException if the model can't make what is asked for; the message says what it can
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit into memory
     */
    public Generation start(VideoRequest request) {
        VideoPlan plan = plan(request);
        MemoryCheck.require(
                backend, "this video", memoryBytes(plan), "make it smaller or shorter, or use precision bf16");
        return new Generation(this, plan);
    }

    /**
     * What the model makes of a request.
     *
     * @throws IllegalArgumentException if it can't make what is asked for; the message offers the nearest sizes
     */
    public VideoPlan plan(VideoRequest request) {
        return limits.plan(request);
    }

    /**
     * What a model would make of a request, from its configuration files alone.
     *
     * @throws IllegalArgumentException if it can't make what is asked for; the message offers the nearest sizes
     * @throws io.lingen.core.checkpoint.CheckpointException if it is not a model, or an ill-formed one
     */
    public static VideoPlan plan(String model, VideoRequest request) {
        try (ModelSource source = source(model)) {
            return ModelLimits.read(source).plan(request);
        }
    }

    /** An estimate of the bytes that a video takes on the backend, beside the weights that are loaded. */
    public long memoryBytes(VideoPlan plan) {
        return Math.max(
                denoisingMemory.passBytes(plan, encoders.all()),
                decoder.cost(ModelLimits.latentGrid(plan)).passBytes());
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
     * @throws io.lingen.core.checkpoint.CheckpointException if a file has become unreadable
     */
    public String modelHash() {
        return files.hash();
    }

    /** What a video of this pipeline can be made again from, if no rewriter changes its prompt. */
    public VideoDescription describe(VideoPlan plan) {
        return describe(plan, plan.request().prompt());
    }

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
                .seed(asked.seed())
                .build();
        return new VideoDescription(
                VideoDescription.libraryVersion(),
                model(),
                modelHash(),
                backend.name(),
                options.precision().name().toLowerCase(Locale.ROOT),
                whole,
                encodedPrompt.equals(asked.prompt()) ? null : encodedPrompt);
    }

    /** The options that it was loaded with. */
    public PipelineOptions options() {
        return options;
    }

    /** Where it computes. */
    public Backend backend() {
        return backend;
    }

    /** The text encoders. */
    public TextEncoders encoders() {
        return encoders;
    }

    /** The denoiser. */
    public Denoiser denoiser() {
        return denoiser;
    }

    /** The decoder. */
    public LatentVideoDecoder decoder() {
        return decoder;
    }

    /** How long loading took. */
    public Duration loadTime() {
        return loadTime;
    }

    @Override
    public void close() {
        owned.close();
    }
}
