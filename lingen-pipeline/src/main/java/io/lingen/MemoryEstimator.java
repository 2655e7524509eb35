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

/**
 * The forecast of a video's memory, from a model without its weights: the first steps of the sampler and the decoding of all frames run, by
 * the very code that will make the video, on a backend that counts as the real one allocates. Memory outside of the backend's tensors
 * is added by figures that were measured once. Takes milliseconds; opening reads configurations and the shapes of weights. Thread-safe.
 */
public final class MemoryEstimator implements AutoCloseable {
    /** Java 25 with lingen's launcher, libraries loaded, hot code compiled, a heap of 32 MB: measured with lingen-nano on Linux, x86-64. */
    private static final long PROGRAM = 235_000_000;

    /** What of it comes only after a model is loaded. */
    private static final long PROGRAM_AFTER_LOADING = 90_000_000;

    /** Compiled kernels and scratch memory of a backend's threads. */
    private static final long KERNELS = 20_000_000;

    /** A decoded frame's way to the file, per pixel: patches as floats, both tiles' where they blend, a frame of them, 8-bit pixels. */
    private static final long FRAME_BYTES_PER_PIXEL = 150;

    /** Reference frames and tables of a video encoder, per pixel. */
    private static final long ENCODER_BYTES_PER_PIXEL = 50;

    /** Samplers of third order hold all their state after as many steps. */
    private static final int MOST_STEPS = 4;

    private final CloseableStack owned = new CloseableStack();
    private final ModelDescription model;
    private final Backend backend;
    private final MemoryPool pool;
    private final Denoiser denoiser;
    private final VideoDecoder decoder;
    private final List<TextEncoderFacts> encoders;
    private final RequestPlanner planner;
    private final long weightBytes;

    /**
     * @param source of the model, with its options applied; used while this is open
     * @param real whose memory is counted
     */
    MemoryEstimator(ModelSource source, ModelOptions options, Backend real, DType precision) {
        this.model = ModelFamilies.open(source.shapesOnly(), options);
        this.planner = RequestPlanner.of(model);
        DryRun dryRun = owned.add(DryRun.of(real));
        this.backend = dryRun.backend();
        this.pool = dryRun.pool();
        try {
            this.denoiser = owned.add(model.loadDenoiser(backend, precision));
            this.decoder = owned.add(model.loadDecoder(backend, precision));
            this.encoders = model.textEncoders(real, precision);
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
        pool.resetPeak();
        this.weightBytes = pool.peakBytes();
    }

    /**
     * Reads the shapes of a model, not its weights.
     *
     * @param model the path of a model folder, or {@value TextToVideoPipeline#NANO}
     * @param options those that the videos will be made with
     * @throws io.lingen.core.checkpoint.CheckpointException if it is not a model, or an ill-formed one
     * @throws IllegalArgumentException if there is no backend of the options' name
     * @throws IllegalStateException if the backend is not available here
     */
    public static MemoryEstimator of(String model, PipelineOptions options) {
        ModelSource source = options.model().applyTo(LoadedModel.source(model));
        try (Backend backend = Backends.create(options.backend(), new BackendOptions(options.threads()))) {
            MemoryEstimator estimator = new MemoryEstimator(source, options.model(), backend, options.precision());
            estimator.owned.add(source);
            return estimator;
        } catch (RuntimeException | Error e) {
            source.close();
            throw e;
        }
    }

    /** The memory for loading the model, text encoders included; Java's own is not. */
    long loadingBytes() {
        return weightBytes + encoderBytes() + encoderWorkBytes();
    }

    private long encoderBytes() {
        return encoders.stream().mapToLong(TextEncoderFacts::heldBytes).sum();
    }

    /** Encoders are loaded, and encode, one after the other. */
    private long encoderWorkBytes() {
        return encoders.stream()
                .mapToLong(encoder -> encoder.peakBytes() - encoder.heldBytes())
                .max()
                .orElse(0);
    }

    /**
     * The memory of a video.
     *
     * @throws IllegalArgumentException if the model can't make what is asked for; the message offers the nearest sizes
     */
    public MemoryForecast forecast(VideoRequest request) {
        return forecast(planner.plan(request));
    }

    /**
     * Settings near a request's that would fit, found by the same forecast, for messages: a shorter video, a smaller one.
     *
     * @param forecastBytes the part of the forecast that has to fit
     * @return none if nothing fits
     */
    public List<String> fittingSettings(
            VideoRequest request, long availableBytes, ToLongFunction<MemoryForecast> forecastBytes) {
        return new FittingSettings(planner, plan -> forecastBytes.applyAsLong(forecast(plan)) <= availableBytes)
                .alternatives(planner.plan(request));
    }

    /** The memory of a video. */
    synchronized MemoryForecast forecast(VideoPlan plan) {
        long denoising;
        long decoding;
        try (Workspace workspace = backend.newWorkspace();
                Conditioning conditional = denoiser.condition(condition(plan));
                Conditioning unconditional = denoiser.condition(condition(plan))) {
            pool.resetPeak();
            Tensor latent = workspace.allocate(DType.F32, plan.latent());
            denoise(plan, latent, conditional, unconditional);
            denoising = KERNELS + pool.peakBytes() - weightBytes;
            decoding = decode(latent);
        }
        return forecast(denoising, decoding);
    }

    /** The memory of decoding saved latents. */
    synchronized MemoryForecast forecastDecoding(Shape shape) {
        try (Workspace workspace = backend.newWorkspace()) {
            pool.resetPeak();
            Tensor latent = workspace.allocate(DType.F32, shape);
            return forecast(0, decode(latent));
        }
    }

    private MemoryForecast forecast(long denoising, long decoding) {
        long loading = Math.max(0, encoderWorkBytes() - PROGRAM_AFTER_LOADING);
        return new MemoryForecast(PROGRAM, encoderBytes(), weightBytes, loading, denoising, decoding);
    }

    /** Steps until one needs no more than those before. */
    private void denoise(VideoPlan plan, Tensor latent, Conditioning conditional, Conditioning unconditional) {
        DenoisingFunction function = plan.isGuided()
                ? Guidance.of(denoiser, conditional, unconditional, plan.guidance())
                : Guidance.conditionalOnly(denoiser, conditional);
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
            long tensors = pool.peakBytes() - weightBytes;
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

    @Override
    public void close() {
        owned.close();
    }
}
