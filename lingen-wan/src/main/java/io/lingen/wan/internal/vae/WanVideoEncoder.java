package io.lingen.wan.internal.vae;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.PatchSize;
import io.lingen.vae.internal.LatentNorm;
import io.lingen.wan.internal.vae.CausalClip.Window;
import io.lingen.wan.internal.vae.WanVaeConfig.Stage;
import java.util.List;

/**
 * The encoder of the Wan autoencoder, from frames to latents. The first frame gives one latent frame, then each {@link
 * WanVaeConfig#temporalCompression} frames give one. Videos are encoded in pieces of these lengths. Apart from the video and its latent,
 * the memory needed is independent of the length.
 *
 * <p>Immutable and thread-safe. Owns its packed weights, but not the backend.
 */
public final class WanVideoEncoder implements AutoCloseable {
    private final WanVaeConfig config;
    private final Backend backend;
    private final DType precision;
    private final Workspace packedWeights;
    private final PixelCells pixels;
    private final CausalConvolution convIn;
    private final List<EncoderStage> stages;
    private final MiddleBlock middle;
    private final ChannelNorm normOut;
    private final CausalConvolution convOut;
    private final Linear mean; // 2C -> C
    private final Linear logVariance; // 2C -> C
    private final LatentNorm latentNorm;

    /** Takes ownership of the workspace of the weights. */
    private WanVideoEncoder(ModelWeights weights, WanVaeConfig config) {
        this.config = config;
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.packedWeights = weights.workspace();
        this.pixels = new PixelCells(weights, config);

        ModelWeights encoder = weights.under("encoder");
        List<Stage> changes = config.encoderStages();
        int channels = config.latentChannels();
        int width = changes.get(changes.size() - 1).out();
        this.convIn = new CausalConvolution(
                encoder.under("conv_in"), config.pixelChannels(), changes.get(0).in());
        this.stages = EncoderStage.all(encoder, config);
        this.middle = new MiddleBlock(encoder.under("mid_block"), width);
        this.normOut = ChannelNorm.ofVideo(encoder.under("norm_out"), width);
        this.convOut = new CausalConvolution(encoder.under("conv_out"), width, 2 * channels);
        ModelWeights quant = weights.under("quant_conv").withPrecision(DType.F32);
        this.mean = half(quant, channels, 0);
        this.logVariance = half(quant, channels, 1);
        this.latentNorm = LatentNorm.encoding(weights, config.latentMean(), config.latentStd());
    }

    /** Reads the first (0) or second (1) half of the outputs of a 1x1x1 convolution. */
    private static Linear half(ModelWeights weights, int channels, int half) {
        int from = half * channels;
        int width = 2 * channels;
        return weights.linear(
                weights.host("weight", width, width, 1, 1, 1)
                        .reshape(width, width)
                        .slice(from, from + channels),
                weights.host("bias", width).slice(from, from + channels));
    }

    /**
     * Loads the encoder.
     *
     * @param file the tensors of the autoencoder
     * @param config its configuration
     * @param backend encodes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the encoder, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if a tensor is missing, invalid or unknown
     */
    public static WanVideoEncoder load(SafetensorsFile file, WanVaeConfig config, Backend backend, DType precision) {
        return ModelWeights.load(file, backend, precision, weights -> {
            weights.ignore("decoder");
            weights.ignore("post_quant_conv");
            return new WanVideoEncoder(weights, config);
        });
    }

    /** {@return the configuration} */
    public WanVaeConfig config() {
        return config;
    }

    /**
     * The distribution of the latents of a video.
     *
     * @param mean [C, T, H, W] in F32, not normalized
     * @param logVariance [C, T, H, W] in F32, not clamped
     * @param latent [C, T, H, W] in F32: the mean, normalized to mean 0 and standard deviation 1 per channel
     */
    public record Moments(Tensor mean, Tensor logVariance, Tensor latent) {}

    /**
     * Encodes a video.
     *
     * @param video [3, F, H, W] in [-1, 1]; F is 1 plus a multiple of the temporal compression, H and W are multiples of the spatial
     *     compression
     * @param result the owner of the result
     * @return the distribution of its latents
     * @throws IllegalArgumentException if the video's shape does not fit
     */
    public Moments encode(Tensor video, Workspace result) {
        return encode(video, config.temporalCompression(), result);
    }

    /**
     * Encodes a video.
     *
     * @param pieceLength the number of frames that are encoded at a time after the first, a multiple of the temporal compression
     */
    Moments encode(Tensor video, int pieceLength, Workspace result) {
        requireVideo(video.shape());
        try (CausalClip clip = new CausalClip(backend, precision, Taps.NONE)) {
            Tensor cells = pixels.cells(video, clip); // [F, H', W', pixel channels]
            Shape shape = cells.shape();
            long frames = shape.length(0);
            int compression = 1 << config.halvesTime().size();
            Shape latents = Shape.of(
                    (frames - 1) / config.temporalCompression() + 1,
                    shape.length(1) / compression,
                    shape.length(2) / compression,
                    config.latentChannels());
            Tensor means = clip.allocate(DType.F32, latents);
            Tensor logVariances = clip.allocate(DType.F32, latents);
            long done = 0;
            for (long from = 0, to; from < frames; from = to) {
                to = Math.min(frames, from + (from == 0 ? 1 : pieceLength));
                clip.beginPiece(to == frames);
                Tensor x = forward(cells.slice(from, to), clip); // [T, H, W, 2C]
                long end = done + x.shape().length(0);
                mean.apply(x, Epilogue.NONE, means.slice(done, end));
                logVariance.apply(x, Epilogue.NONE, logVariances.slice(done, end));
                clip.free(x);
                clip.endPiece();
                done = end;
            }
            Tensor normalised = clip.allocate(DType.F32, latents);
            latentNorm.apply(means, normalised);
            return new Moments(planes(means, result), planes(logVariances, result), planes(normalised, result));
        }
    }

    /** Encodes frames [F, H', W', pixel channels] to [T, H, W, 2C] in F32, which the clip owns. */
    private Tensor forward(Tensor frames, CausalClip clip) {
        Window input = convIn.input(frames.shape(), clip);
        backend.copy(frames, input.frames());
        Tensor x = convIn.apply(input, clip); // [F, H', W', width]
        for (EncoderStage stage : stages) {
            x = stage.apply(x, clip); // [T', H', W', width']
        }
        x = middle.apply(x, clip); // [T, H, W, width]
        input = convOut.input(x.shape(), clip);
        normOut.applyWithSilu(x, input.frames(), backend);
        clip.free(x);
        return convOut.applyInF32(input, clip); // [T, H, W, 2C]
    }

    /** {@return cells [T, H, W, C] as [C, T, H, W] in F32} */
    private Tensor planes(Tensor cells, Workspace result) {
        Shape shape = cells.shape();
        Tensor planes = result.allocate(DType.F32, shape.length(3), shape.length(0), shape.length(1), shape.length(2));
        backend.unpatchify(cells, PatchSize.ONE, planes);
        return planes;
    }

    private void requireVideo(Shape shape) {
        int time = config.temporalCompression();
        int space = config.spatialCompression();
        if (shape.rank() != 4
                || shape.length(0) != 3
                || shape.elements() == 0
                || (shape.length(1) - 1) % time != 0
                || shape.length(2) % space != 0
                || shape.length(3) % space != 0) {
            throw new IllegalArgumentException("video must be [3, F, H, W] with F one more than a multiple of " + time
                    + ", H and W multiples of " + space + ", found " + shape);
        }
    }

    /** Frees the weights. */
    @Override
    public void close() {
        packedWeights.close();
    }
}
