package io.lingen;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.backend.CountingBackend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.CloseableStack;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.RectifiedFlowSampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.internal.FittingSettings;
import io.lingen.internal.ModelLimits;
import io.lingen.text.TextEncoderFiles;
import io.lingen.vae.FrameStream;
import io.lingen.vae.LatentVideoDecoder;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * A model without its weights, for finding out what a video takes of memory: one step of the sampler and the decoding of all tiles run,
 * by the very code that will make the video, on a backend that counts as the real one allocates. What lies outside of the backend's tensors
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

    private final CloseableStack owned = new CloseableStack();
    private final CountingBackend backend;
    private final Denoiser denoiser;
    private final LatentVideoDecoder decoder;
    private final List<TextEncoderFiles> encoders;
    private final ModelLimits limits;
    private final long weightBytes;

    /** @param real whose memory is counted */
    MemoryEstimator(ModelSource source, ModelLimits limits, Backend real, DType precision) {
        ModelSource shapes = source.shapesOnly();
        ModelIndex index = limits.index();
        this.limits = limits;
        this.backend = owned.add(real.counting());
        try {
            this.denoiser = owned.add(VideoTransformer.load(shapes, index.transformer(), backend, precision));
            this.decoder = owned.add(LatentVideoDecoder.load(shapes, index.vae(), backend, precision));
            this.encoders = index.textEncoders().stream()
                    .map(component -> TextEncoderFiles.of(source, component))
                    .toList();
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
        backend.pool().resetPeak();
        this.weightBytes = backend.pool().peakBytes();
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
        try (ModelSource source = TextToVideoPipeline.source(model);
                Backend backend = Backends.create(options.backend(), new BackendOptions(options.threads()))) {
            return new MemoryEstimator(source, ModelLimits.read(source), backend, options.precision());
        }
    }

    /** What loading the model takes, text encoders included; what Java takes anyway is not. */
    long loadingBytes() {
        return weightBytes + 2 * encoderBytes();
    }

    private long encoderBytes() {
        return encoders.stream().mapToLong(TextEncoderFiles::modelBytes).sum();
    }

    /**
     * What a video takes.
     *
     * @throws IllegalArgumentException if the model can't make what is asked for; the message offers the nearest sizes
     */
    public MemoryForecast forecast(VideoRequest request) {
        return forecast(limits.plan(request));
    }

    /**
     * Settings near a request's that would fit, found by the same forecast, for people: a shorter video, a smaller one.
     *
     * @param forecastBytes what of the forecast has to fit
     * @return none if nothing fits
     */
    public List<String> whatFits(
            VideoRequest request, long availableBytes, ToLongFunction<MemoryForecast> forecastBytes) {
        return new FittingSettings(limits, plan -> forecastBytes.applyAsLong(forecast(plan)) <= availableBytes)
                .near(limits.plan(request));
    }

    /** What a video takes. */
    synchronized MemoryForecast forecast(VideoPlan plan) {
        long denoising;
        long decoding;
        try (Workspace workspace = backend.newWorkspace();
                Conditioning prompt = denoiser.condition(texts());
                Conditioning negative = denoiser.condition(texts())) {
            backend.pool().resetPeak();
            Tensor latent = workspace.allocate(DType.F32, plan.latent());
            step(plan, latent, prompt, negative);
            denoising = KERNELS + backend.pool().peakBytes() - weightBytes;
            decoding = decode(latent);
        }
        // A text encoder's file and what is made of it lie in memory together, for a moment.
        long loading = Math.max(0, encoderBytes() - PROGRAM_AFTER_LOADING);
        return new MemoryForecast(PROGRAM, encoderBytes(), weightBytes, loading, denoising, decoding);
    }

    /** What the decoding of saved latents takes beside the weights. */
    synchronized long decodingBytes(Shape shape) {
        try (Workspace workspace = backend.newWorkspace()) {
            backend.pool().resetPeak();
            Tensor latent = workspace.allocate(DType.F32, shape);
            workspace.allocate(DType.F32, shape);
            return decode(latent);
        }
    }

    private void step(VideoPlan plan, Tensor latent, Conditioning prompt, Conditioning negative) {
        DenoisingFunction conditional = Guidance.conditionalOnly(denoiser, prompt);
        DenoisingFunction function = plan.isGuided()
                ? Guidance.of(backend, conditional, Guidance.conditionalOnly(denoiser, negative), plan.guidance())
                : conditional;
        try (Sampling steps = new RectifiedFlowSampler(backend, new double[] {0, 1}).sample(function, latent)) {
            steps.next();
        }
    }

    private long decode(Tensor latent) {
        try (FrameStream frames = decoder.frames(latent)) {
            frames.decodeAll();
            long pixels = (long) frames.width() * frames.height();
            long tensors = backend.pool().peakBytes() - weightBytes;
            return tensors + KERNELS + pixels * (FRAME_BYTES_PER_PIXEL + ENCODER_BYTES_PER_PIXEL);
        }
    }

    private List<TextEmbedding> texts() {
        return encoders.stream()
                .map(encoder -> new TextEmbedding(
                        HostTensor.withoutElements(DType.F32, Shape.of(encoder.maxTokens(), encoder.width())), null))
                .toList();
    }

    @Override
    public void close() {
        owned.close();
    }
}
