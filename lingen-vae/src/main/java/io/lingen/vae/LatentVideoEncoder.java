package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.vae.internal.Activations;
import io.lingen.vae.internal.LatentNorm;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * An encoder from frames to latents: the mirror image of {@link LatentVideoDecoder}, with optionally {@linkplain AutoencoderConfig#encoder
 * other sizes}, without variational noise. It encodes a video as a whole, so its memory grows with the video's length.
 *
 * <p>Immutable and thread-safe. Owns its packed weights, but not the backend.
 */
public final class LatentVideoEncoder implements AutoCloseable {
    private final AutoencoderConfig config;
    private final Backend backend;
    private final DType precision;
    private final Workspace packedWeights;
    private final InflatedConvolution convIn;
    private final List<ResidualLevel> levels = new ArrayList<>();
    private final List<InflatedConvolution> downsampling = new ArrayList<>();
    private final ResidualLevel middle;
    private final FrameNorm normOut;
    private final InflatedConvolution convOut;
    private final LatentNorm latentNorm;

    /** Takes ownership of the workspace of the weights. */
    private LatentVideoEncoder(ModelWeights weights, AutoencoderConfig whole) {
        this.config = whole;
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.packedWeights = weights.workspace();

        AutoencoderConfig config = whole.ofEncoder();
        List<Integer> widths = config.widths();
        int last = widths.size() - 1;
        this.convIn = new InflatedConvolution(
                weights.under("conv_in"), config.outChannels() * config.patch().cells(), widths.get(last));
        for (int k = last; k >= 0; k--) {
            ModelWeights level = weights.under("down." + (last - k));
            int width = widths.get(k);
            levels.add(new ResidualLevel(level, config, widths.get(Math.min(k + 1, last)), width));
            if (k > 0) {
                Dims3 stride = config.upsample().get(k - 1);
                downsampling.add(new InflatedConvolution(level.under("downsample"), width, width, stride));
            }
        }
        this.middle = ResidualLevel.middle(weights.under("mid"), config);
        this.normOut = new FrameNorm(weights.under("norm_out"), config, widths.get(0));
        this.convOut = new InflatedConvolution(weights.under("conv_out"), widths.get(0), config.latentChannels());
        this.latentNorm = LatentNorm.encoding(weights, config.latentMean(), config.latentStd());
    }

    /**
     * Loads the encoder of a model.
     *
     * @param source the model
     * @param component the folder within the model, usually "vae"
     * @param backend encodes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the encoder, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if the configuration or a tensor is missing or invalid; checkpoints for
     *     decoding only have no encoder
     */
    public static LatentVideoEncoder load(ModelSource source, String component, Backend backend, DType precision) {
        ConfigReader reader = source.config(component + "/config.json");
        AutoencoderConfig config = AutoencoderConfig.read(reader);
        if (config.layout() != DecoderLayout.INFLATED) {
            throw reader.error(
                    "decoder", config.layout().name().toLowerCase(Locale.ROOT), "no such field, to encode videos");
        }
        try (SafetensorsFile file = source.tensors(component)) {
            return ModelWeights.load(file, backend, precision, weights -> {
                weights.ignore("decoder");
                return new LatentVideoEncoder(weights.under("encoder"), config);
            });
        }
    }

    /** {@return the configuration} */
    public AutoencoderConfig config() {
        return config;
    }

    /**
     * Encodes a video.
     *
     * @param frames [3, F, H, W] in [-1, 1]; F, H and W are multiples of the compression
     * @param result the owner of the result
     * @return latents [C, T, H', W'] in F32, normalized to mean 0 and standard deviation 1 per channel
     * @throws IllegalArgumentException if the frames' shape does not fit
     */
    public Tensor encode(Tensor frames, Workspace result) {
        return encode(frames, result, Taps.NONE);
    }

    /**
     * Encodes a video and passes intermediate results to taps.
     *
     * @param frames [3, F, H, W] in [-1, 1]; F, H and W are multiples of the compression
     * @param result the owner of the result
     * @param taps receives {@code encoder.} and the name of each layer, [T, H, W, C] at the layer's resolution
     * @return latents [C, T, H', W'] in F32, normalized to mean 0 and standard deviation 1 per channel
     * @throws IllegalArgumentException if the frames' shape does not fit
     */
    public Tensor encode(Tensor frames, Workspace result, Taps taps) {
        requireFrames(frames.shape());
        try (Activations pass = new Activations(backend, precision);
                Workspace output = backend.newWorkspace()) {
            Grid grid = config.patch().gridOf(frames.shape());
            Tensor patches = pass.allocate(
                    Shape.of(grid.t(), grid.h(), grid.w(), 3L * config.patch().cells()));
            backend.patchify(frames, config.patch(), patches); // [F', H', W', 3 * patch]
            Tensor x = forward(patches, pass, output, taps.under("encoder.")); // [T, H, W, C]
            Tensor normalised = pass.allocate(DType.F32, x.shape());
            latentNorm.apply(x, normalised);
            Shape cells = x.shape();
            Tensor latent = result.allocate(DType.F32, cells.last(), cells.length(0), cells.length(1), cells.length(2));
            backend.unpatchify(normalised, PatchSize.ONE, latent);
            return latent; // [C, T, H, W]
        }
    }

    /**
     * Encodes patches [F', H', W', 3 * patch cells] and frees them. Returns [T, H, W, C] in F32: the sizes divided by all downsampling
     * strides.
     */
    private Tensor forward(Tensor patches, Activations pass, Workspace result, Taps taps) {
        Tensor x = convIn.apply(patches, pass); // [F', H', W', widths[last]]
        taps.accept("conv_in", x);
        for (int i = 0; i < levels.size(); i++) {
            x = levels.get(i).apply(x, pass, taps.under("down." + i + ".")); // [.., widths[last - i]]
            if (i < downsampling.size()) {
                x = downsampling.get(i).apply(x, pass); // [T / t, H / h, W / w, widths[last - i]]
                taps.accept("down." + i + ".downsample", x);
            }
        }
        x = middle.apply(x, pass, taps.under("mid.")); // [T, H, W, widths[0]]
        normOut.applyWithSilu(x, x, backend);
        Tensor latent = convOut.apply(x, pass, result); // [T, H, W, C]
        taps.accept("conv_out", latent);
        return latent;
    }

    private void requireFrames(Shape shape) {
        Dims3 stride = config.compression();
        boolean fits = shape.rank() == 4 && shape.length(0) == config.outChannels() && shape.elements() > 0;
        for (int axis = 0; fits && axis < 3; axis++) {
            fits = shape.length(1 + axis) % stride.length(axis) == 0;
        }
        if (!fits) {
            throw new IllegalArgumentException("frames must be [3, F, H, W] with F, H and W multiples of " + stride.t()
                    + ", " + stride.h() + " and " + stride.w() + ", found " + shape);
        }
    }

    /** Frees the weights. */
    @Override
    public void close() {
        packedWeights.close();
    }
}
