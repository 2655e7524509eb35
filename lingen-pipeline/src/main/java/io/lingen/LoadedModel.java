package io.lingen;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.CloseableStack;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Sampler;
import io.lingen.internal.Lifetime;
import io.lingen.internal.MemoryCheck;
import io.lingen.internal.ModelFiles;
import io.lingen.internal.text.CachedTextEncoder;
import io.lingen.spi.Adapter;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.text.PromptRewriter;
import io.lingen.text.TextEncoder;
import io.lingen.text.TextEncoder.Prompt;
import io.lingen.text.TextEncoders;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model loaded on a backend, shared by a {@link TextToVideoPipeline} and its {@link Generation}s. Owns the backend, the components of the
 * model and the running generations. Thread-safe; its components are used within its {@link #lifetime}.
 */
final class LoadedModel implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LoadedModel.class);
    private static final String NANO_RESOURCE = "io/lingen/nano";

    private final PipelineOptions options;
    private final CloseableStack owned = new CloseableStack();
    private final Lifetime lifetime = new Lifetime("the pipeline");
    private final Set<Generation> generations = ConcurrentHashMap.newKeySet();
    private final ModelSource source;
    private final ModelDescription description;
    private final RequestPlanner planner;
    private final ModelFiles files;
    private final Backend backend;
    private final PromptRewriter rewriter;
    private final TextEncoders encoders;
    private final ModelComponents components;
    private final MemoryEstimator memory;
    private final Duration loadTime;

    /**
     * Loads a model.
     *
     * @param source the model; closed with this object, and after a failure
     */
    LoadedModel(ModelSource source, PipelineOptions options) {
        long start = System.nanoTime();
        this.options = options;
        this.source = owned.add(options.model().applyTo(source));
        try {
            this.description = ModelFamilies.open(this.source, options.model());
            this.planner = RequestPlanner.of(this.source, description);
            this.files = new ModelFiles(this.source, description.files());
            files.check();
            this.rewriter = Objects.requireNonNullElseGet(options.rewriter(), description::rewriter);
            this.backend = owned.add(Backends.create(options.backend(), new BackendOptions(options.threads())));
            this.memory = owned.add(estimator(options.precision(), options.offload() == Offload.PARTS));
            this.components = owned.add(new ModelComponents(
                    () -> description.loadDenoiser(backend, options.precision()),
                    () -> description.loadDecoder(backend, options.precision())));
            loadComponents();
            this.encoders =
                    cached(owned.add(description.loadTextEncoders(backend, options.precision(), options.threads())));
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
        this.loadTime = Duration.ofNanos(System.nanoTime() - start);
    }

    /** Loads denoiser and decoder, unless they are loaded alternately. */
    private void loadComponents() {
        ToLongFunction<MemoryEstimator> need =
                options.offload() == Offload.NONE || memory.loadingBytes() <= backend.availableBytes()
                        ? MemoryEstimator::loadingBytes
                        : MemoryEstimator::offloadedLoadingBytes;
        MemoryCheck.require(
                backend, "the model " + source.name(), need.applyAsLong(memory), () -> settingsThatFit(need));
        if (options.offload() != Offload.PARTS && memory.loadingBytes() <= backend.availableBytes()) {
            components.loadAll();
        }
    }

    private MemoryEstimator estimator(DType precision, boolean offloaded) {
        return new MemoryEstimator(source, options.model(), backend, precision, offloaded);
    }

    /** Wraps encoders whose files all belong to the model in the text cache, if the options select one. */
    private TextEncoders cached(TextEncoders loaded) {
        Path folder = options.textCache();
        if (folder == null) {
            return loaded;
        }
        List<TextEncoderFacts> facts = description.textEncoders(backend, options.precision());
        List<TextEncoder> cached = new ArrayList<>();
        for (int i = 0; i < facts.size(); i++) {
            TextEncoder encoder = loaded.all().get(i);
            List<String> paths = facts.get(i).files();
            if (paths.isEmpty()) {
                log.warn(
                        "text cache {} has no effect on {}, whose files are not part of the model",
                        folder,
                        encoder.name());
                cached.add(encoder);
            } else {
                cached.add(new CachedTextEncoder(
                        encoder,
                        folder,
                        () -> new CachedTextEncoder.Identity(files.hash(paths), backend.name(), options.precision())));
            }
        }
        return new TextEncoders(cached);
    }

    /** Opens the files of a model folder, or of the embedded model on the class path. The caller closes the result. */
    static ModelSource source(String model) {
        return model.equals(TextToVideoPipeline.NANO)
                ? ModelSource.ofResource(LoadedModel.class.getClassLoader(), NANO_RESOURCE)
                : ModelSource.of(Path.of(model));
    }

    /** The lifetime within which all components are used. */
    Lifetime lifetime() {
        return lifetime;
    }

    PipelineOptions options() {
        return options;
    }

    Duration loadTime() {
        return loadTime;
    }

    String name() {
        return source.name();
    }

    String hash() {
        return files.hash();
    }

    ModelDescription description() {
        return description;
    }

    Backend backend() {
        return backend;
    }

    PromptRewriter rewriter() {
        return rewriter;
    }

    TextEncoders encoders() {
        return encoders;
    }

    ModelComponents components() {
        return components;
    }

    private boolean takesTurns(MemoryForecast forecast) {
        return switch (options.offload()) {
            case NONE -> false;
            case PARTS -> true;
            case AUTO -> forecast.videoBytes() + notLoadedBytes() > backend.availableBytes();
        };
    }

    private long notLoadedBytes() {
        return memory.weightBytes(!components.isDenoiserLoaded(), !components.isDecoderLoaded());
    }

    private long loadedBytes() {
        return memory.weightBytes(components.isDenoiserLoaded(), components.isDecoderLoaded());
    }

    VideoPlan plan(VideoRequest request) {
        return planner.plan(request);
    }

    VideoPlan recordedPlan(VideoRequest request) {
        return planner.recordedPlan(request);
    }

    /** The prompt that is encoded for a request; null for a request without one. */
    @Nullable
    String encodedPrompt(VideoRequest request) {
        String prompt = request.prompt();
        return prompt == null ? null : rewriter.rewrite(prompt);
    }

    /**
     * The conditions of the passes of a video: the prompt or class and, with guidance, the negative prompt or no class. Prompts are encoded
     * together.
     *
     * @param encodedPrompt the result of {@link #encodedPrompt}
     * @param throwIfCancelled throws if the video was cancelled; called between the parts of long work
     */
    List<Condition> conditions(VideoPlan plan, @Nullable String encodedPrompt, Runnable throwIfCancelled) {
        VideoRequest request = plan.request();
        Integer label = request.label();
        if (label != null) {
            return List.of(Condition.ofLabel(label), Condition.NONE);
        }
        if (request.prompt() == null) {
            return List.of(Condition.NONE);
        }
        Prompt prompt = Prompt.of(Objects.requireNonNull(encodedPrompt));
        List<Prompt> prompts =
                plan.isGuided() ? List.of(prompt, Prompt.negative(request.negativePrompt())) : List.of(prompt);
        return encoders
                .encode(prompts, (done, total) -> {
                    throwIfCancelled.run();
                    options.progress().advanced("encoding", done, total);
                })
                .stream()
                .map(Condition::of)
                .toList();
    }

    Sampler sampler(VideoPlan plan) {
        return description.sampler(backend, plan.sampling(), plan.request().seed());
    }

    MemoryForecast forecast(VideoPlan plan) {
        MemoryForecast forecast = memory.forecast(plan);
        return takesTurns(forecast) ? forecast.asOffloaded() : forecast;
    }

    /**
     * Checks that a video fits in memory; returns whether denoiser and decoder are loaded alternately for it.
     *
     * @throws io.lingen.core.OutOfMemoryException if it does not fit; the message contains settings that do
     */
    boolean requireMemory(VideoPlan plan) {
        return requireMemory(estimator -> estimator.forecast(plan), () -> {
            long available = backend.availableBytes() + (options.offload() == Offload.NONE ? 0 : loadedBytes());
            return memory.fittingSettings(plan.request(), available, this::additionalBytes);
        });
    }

    /**
     * Checks that decoding a latent, which the denoiser need not support, fits in memory; returns whether the denoiser is freed for it.
     *
     * @throws io.lingen.core.OutOfMemoryException if it does not fit
     */
    boolean requireMemoryToDecode(Shape latent) {
        return requireMemory(estimator -> estimator.forecastDecoding(latent), List::of);
    }

    private boolean requireMemory(
            Function<MemoryEstimator, MemoryForecast> forecaster, Supplier<List<String>> otherVideos) {
        MemoryForecast forecast = forecaster.apply(memory);
        long freed = options.offload() == Offload.NONE ? 0 : loadedBytes();
        MemoryCheck.require(backend, "this video", Math.max(0, additionalBytes(forecast) - freed), () -> {
            List<String> settings = new ArrayList<>(otherVideos.get());
            settings.addAll(settingsThatFit(estimator -> additionalBytes(forecaster.apply(estimator))));
            return settings;
        });
        return takesTurns(forecast);
    }

    /** The smallest possible memory of a video, as in {@link MemoryForecast#videoBytes}. */
    private long additionalBytes(MemoryForecast forecast) {
        return options.offload() == Offload.NONE
                ? forecast.videoBytes()
                : forecast.asOffloaded().videoBytes();
    }

    /** The precision BF16, if it is another one and would fit. */
    private List<String> settingsThatFit(ToLongFunction<MemoryEstimator> need) {
        if (options.precision() == DType.BF16) {
            return List.of();
        }
        try (MemoryEstimator estimator = estimator(DType.BF16, false)) {
            return need.applyAsLong(estimator) <= backend.availableBytes() ? List.of("precision bf16") : List.of();
        }
    }

    /**
     * The provenance of a video. Available while the model is shutting down too, when latents are saved with it.
     *
     * @param encodedPrompt the result of {@link #encodedPrompt}
     */
    VideoProvenance provenance(VideoPlan plan, @Nullable String encodedPrompt) {
        VideoRequest request = plan.request();
        SamplingSettings sampling = plan.sampling();
        VideoRequest complete = request.toBuilder()
                .size(plan.format().width(), plan.format().height())
                .seconds(null)
                .frames(plan.frames())
                .fps(plan.format().fps())
                .sampler(sampling.sampler())
                .schedule(sampling.schedule())
                .shift(sampling.shift())
                .times(sampling.times().isEmpty() ? null : sampling.times())
                .steps(sampling.steps())
                .guidance(sampling.guidance())
                .eta(sampling.eta())
                .build();
        return new VideoProvenance(
                VideoProvenance.libraryVersion(),
                name(),
                hash(),
                loras(),
                backend.name(),
                options.precision().name().toLowerCase(Locale.ROOT),
                complete,
                Objects.equals(encodedPrompt, request.prompt()) ? null : encodedPrompt,
                null);
    }

    private List<VideoProvenance.Lora> loras() {
        List<VideoProvenance.Lora> loras = new ArrayList<>();
        for (Adapter adapter : options.model().adapters()) {
            String path = options.model().adapterPath(loras.size());
            loras.add(new VideoProvenance.Lora(
                    adapter.file().getFileName().toString(), adapter.scale(), files.checksum(path)));
        }
        return loras;
    }

    /** Registers a generation, to be cancelled when the model is closed. */
    Generation add(Generation generation) {
        generations.add(generation);
        return generation;
    }

    /** Unregisters a closed generation. */
    void remove(Generation generation) {
        generations.remove(generation);
    }

    /** Cancels the running generations and frees all memory. Closing twice has no effect. */
    @Override
    public void close() {
        lifetime.shutdown(() -> {
            generations.forEach(Generation::saveAndFree);
            owned.close();
        });
    }
}
