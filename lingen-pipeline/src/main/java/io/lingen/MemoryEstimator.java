package io.lingen;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.internal.CloseableStack;
import io.lingen.core.spi.MemoryPool;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.vae.FrameStream;
import io.lingen.vae.VideoDecoder;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Forecasts of the memory of videos. The code that makes a video runs on a dry-run backend, which tracks allocations but computes nothing: it
 * takes the first steps of the sampler and decodes all frames. Memory outside the backend's tensors is added as measured constants.
 *
 * <p>Opening reads the configuration and the shapes of the weights. A forecast takes milliseconds. Thread-safe.
 */
public final class MemoryEstimator implements AutoCloseable {
    /** The process without tensors, measured with lingen-nano and Java 25 on Linux x86-64: JVM, 32 MB of heap, libraries, compiled code. */
    private static final long PROGRAM = 235_000_000;

    /** The part of {@link #PROGRAM} that is allocated after the model is loaded. */
    private static final long PROGRAM_AFTER_LOADING = 90_000_000;

    /** The compiled kernels and scratch memory of the backend's threads. */
    private static final long KERNELS = 20_000_000;

    /** The copies of a decoded frame per pixel: F32 patches, of two tiles where they are blended, an F32 frame, and 8-bit pixels. */
    private static final long FRAME_BYTES_PER_PIXEL = 150;

    /** The reference frames and tables of a video encoder per pixel. */
    private static final long ENCODER_BYTES_PER_PIXEL = 50;

    /** The number of steps after which samplers up to third order have allocated all their state. */
    private static final int MOST_STEPS = 4;

    private final CloseableStack owned = new CloseableStack();
    private final ModelDescription model;
    private final Backend backend;
    private final MemoryPool pool;
    private final Denoiser denoiser;
    private final VideoDecoder decoder;
    private final List<TextEncoderFacts> encoders;
    private final RequestPlanner planner;
    private final boolean offloaded;
    private final long denoiserBytes;
    private final long decoderBytes;

    /**
     * Opens a model.
     *
     * @param source the model, with its options applied; used while this object is open
     * @param options files that replace or change components of the model
     * @param real the backend whose allocations are forecast
     * @param offloaded whether denoiser and decoder are loaded alternately
     */
    MemoryEstimator(ModelSource source, ModelOptions options, Backend real, DType precision, boolean offloaded) {
        this.offloaded = offloaded;
        this.model = ModelFamilies.open(source.shapesOnly(), options);
        this.planner = RequestPlanner.of(source, model);
        DryRun dryRun = owned.add(DryRun.of(real));
        this.backend = dryRun.backend();
        this.pool = dryRun.pool();
        try {
            this.denoiser = owned.add(model.loadDenoiser(backend, precision));
            pool.resetPeak();
            this.denoiserBytes = pool.peakBytes();
            this.decoder = owned.add(model.loadDecoder(backend, precision));
            pool.resetPeak();
            this.decoderBytes = pool.peakBytes() - denoiserBytes;
            this.encoders = model.textEncoders(real, precision);
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
    }

    private long weightBytes() {
        return denoiserBytes + decoderBytes;
    }

    /**
     * Opens a model for forecasts, without reading its weights.
     *
     * @param model the path of a model folder, or {@value TextToVideoPipeline#NANO}
     * @param options the options of the pipeline that will make the videos
     * @return the estimator, to be closed by the caller
     * @throws io.lingen.core.checkpoint.CheckpointException if the model is missing or malformed
     * @throws IllegalArgumentException if the backend is unknown
     * @throws IllegalStateException if the backend is not available
     */
    public static MemoryEstimator of(String model, PipelineOptions options) {
        ModelSource source = options.model().applyTo(LoadedModel.source(model));
        try (Backend backend = Backends.create(options.backend(), new BackendOptions(options.threads()))) {
            MemoryEstimator estimator = new MemoryEstimator(
                    source, options.model(), backend, options.precision(), options.offload() == Offload.PARTS);
            estimator.owned.add(source);
            return estimator;
        } catch (RuntimeException | Error e) {
            source.close();
            throw e;
        }
    }

    /** The peak memory of loading the model with its text encoders, without that of the JVM. */
    long loadingBytes() {
        return weightBytes() + encoderBytes() + encoderWorkBytes();
    }

    /** The peak memory of loading a model whose denoiser and decoder are loaded alternately, without that of the JVM. */
    long offloadedLoadingBytes() {
        return encoderBytes() + Math.max(encoderWorkBytes(), Math.max(denoiserBytes, decoderBytes));
    }

    /** The packed weights of the loaded components. */
    long weightBytes(boolean denoiserLoaded, boolean decoderLoaded) {
        return (denoiserLoaded ? denoiserBytes : 0) + (decoderLoaded ? decoderBytes : 0);
    }

    private long encoderBytes() {
        return encoders.stream().mapToLong(TextEncoderFacts::heldBytes).sum();
    }

    /** The largest temporary memory of an encoder. Encoders are loaded, and encode, one at a time. */
    private long encoderWorkBytes() {
        return encoders.stream()
                .mapToLong(encoder -> encoder.peakBytes() - encoder.heldBytes())
                .max()
                .orElse(0);
    }

    /**
     * {@return a forecast of the memory of a video}
     *
     * @param request the request of the video
     * @throws IllegalArgumentException if the model does not support the request
     */
    public MemoryForecast forecast(VideoRequest request) {
        return forecast(planner.plan(request));
    }

    /**
     * Finds settings near those of a request that fit in memory: the longest video of the requested size, and the largest video of the
     * requested length.
     *
     * @param request the request of a video
     * @param availableBytes the available memory in bytes
     * @param forecastBytes selects the part of the forecast that must fit
     * @return human-readable settings; empty if none fit
     * @throws IllegalArgumentException if the model does not support the request
     */
    public List<String> fittingSettings(
            VideoRequest request, long availableBytes, ToLongFunction<MemoryForecast> forecastBytes) {
        return new FittingSettings(planner, plan -> forecastBytes.applyAsLong(forecast(plan)) <= availableBytes)
                .alternatives(planner.plan(request));
    }

    /** Forecasts the memory of a video. */
    synchronized MemoryForecast forecast(VideoPlan plan) {
        long denoising;
        long decoding;
        try (Workspace workspace = backend.newWorkspace();
                Conditioning conditional = denoiser.condition(condition(plan));
                @Nullable Conditioning unconditional = plan.isGuided() ? denoiser.condition(condition(plan)) : null) {
            pool.resetPeak();
            Tensor latent = workspace.allocate(DType.F32, plan.latent());
            DenoisingFunction function = unconditional == null
                    ? Guidance.conditionalOnly(denoiser, conditional)
                    : Guidance.of(denoiser, conditional, unconditional, plan.guidance());
            denoise(plan, latent, function);
            denoising = KERNELS + pool.peakBytes() - weightBytes();
            decoding = decode(latent);
        }
        return forecast(denoising, decoding);
    }

    /** Forecasts the memory of decoding a latent. */
    synchronized MemoryForecast forecastDecoding(Shape shape) {
        try (Workspace workspace = backend.newWorkspace()) {
            pool.resetPeak();
            Tensor latent = workspace.allocate(DType.F32, shape);
            return forecast(0, decode(latent));
        }
    }

    private MemoryForecast forecast(long denoising, long decoding) {
        long loading = Math.max(0, encoderWorkBytes() - PROGRAM_AFTER_LOADING);
        return new MemoryForecast(
                PROGRAM, encoderBytes(), denoiserBytes, decoderBytes, loading, denoising, decoding, offloaded);
    }

    /** Takes steps until one does not raise the peak. */
    private void denoise(VideoPlan plan, Tensor latent, DenoisingFunction function) {
        try (Sampling steps =
                model.sampler(backend, plan.sampling(), plan.request().seed()).sample(function, latent)) {
            long before;
            int taken = 0;
            do {
                before = pool.peakBytes();
                steps.next();
                taken++;
            } while (steps.hasNext() && taken < MOST_STEPS && pool.peakBytes() > before);
        }
    }

    private long decode(Tensor latent) {
        try (FrameStream frames = decoder.frames(latent)) {
            frames.decodeAll();
            long pixels = (long) frames.width() * frames.height();
            long tensors = pool.peakBytes() - weightBytes();
            return tensors + KERNELS + pixels * (FRAME_BYTES_PER_PIXEL + ENCODER_BYTES_PER_PIXEL);
        }
    }

    private Condition condition(VideoPlan plan) {
        Integer label = plan.request().label();
        return label != null
                ? Condition.ofLabel(label)
                : Condition.of(encoders.stream()
                        .map(encoder -> new TextEmbedding(
                                HostTensor.withoutElements(DType.F32, Shape.of(encoder.maxTokens(), encoder.width())),
                                null))
                        .toList());
    }

    /** Frees the forecast's model. Closing twice has no effect. */
    @Override
    public void close() {
        owned.close();
    }
}
