package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.vae.internal.Activations;
import io.lingen.vae.internal.LatentNorm;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A decoder from latents to frames: an image decoder inflated in time, factorized and not causal (specification, section 6; Movie Gen,
 * section 3.1.1), or one of Stable Diffusion's decoders (docs/checkpoint-format.md). {@link #frames} decodes a video of any length in tiles,
 * with constant memory; {@link #decode} decodes a latent as a whole.
 *
 * <p>Immutable and thread-safe: videos may be decoded concurrently. Owns its packed weights, but not the backend. Close it after its
 * streams.
 */
public final class LatentVideoDecoder implements VideoDecoder {
    private final AutoencoderConfig config;
    private final Backend backend;
    private final DType precision;
    private final Workspace packedWeights;
    private final LatentNorm latentNorm;
    private final @Nullable Linear postQuantization; // C -> C
    private final InflatedConvolution convIn;
    private final ResidualLevel middle;
    private final List<ResidualLevel> levels = new ArrayList<>();
    private final List<InflatedConvolution> upsampled = new ArrayList<>();
    private final FrameNorm normOut;
    private final InflatedConvolution convOut;

    /** Takes ownership of the workspace of the weights. */
    private LatentVideoDecoder(ModelWeights all, AutoencoderConfig config) {
        DecoderLayout layout = config.layout();
        ModelWeights weights = all.under("decoder");
        this.config = config;
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.packedWeights = weights.workspace();
        this.latentNorm = LatentNorm.decoding(weights, config.latentMean(), config.latentStd());
        this.postQuantization = layout.postQuantization(all, config.latentChannels());

        List<Integer> widths = config.widths();
        this.convIn = layout.convolution(weights.under("conv_in"), config.latentChannels(), widths.get(0));
        this.middle = ResidualLevel.middle(weights.under(layout.middle()), config);
        for (int k = 0; k < widths.size(); k++) {
            ModelWeights level = weights.under(layout.level(k));
            int width = widths.get(k);
            levels.add(new ResidualLevel(level, config, widths.get(Math.max(k - 1, 0)), width));
            if (k < widths.size() - 1) {
                upsampled.add(layout.convolution(level.under(layout.upsample()), width, width));
            }
        }
        int last = widths.get(widths.size() - 1);
        this.normOut = new FrameNorm(weights.under(layout.normOut()), config, last);
        this.convOut = layout.lastConvolution(
                weights, last, config.outChannels() * config.patch().cells());
    }

    /**
     * Loads the decoder of a model.
     *
     * @param source the model
     * @param component the folder within the model, usually "vae"
     * @param backend decodes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the decoder, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if the configuration or a tensor is missing or invalid
     */
    public static LatentVideoDecoder load(ModelSource source, String component, Backend backend, DType precision) {
        AutoencoderConfig config = AutoencoderConfig.read(source.config(component + "/config.json"));
        try (SafetensorsFile file = source.tensors(component)) {
            return load(file, config, backend, precision);
        }
    }

    static LatentVideoDecoder load(
            NamedTensors checkpoint, AutoencoderConfig config, Backend backend, DType precision) {
        return ModelWeights.load(checkpoint, backend, precision, weights -> {
            config.unused().forEach(weights::ignore);
            return new LatentVideoDecoder(weights, config);
        });
    }

    /** {@return the configuration} */
    public AutoencoderConfig config() {
        return config;
    }

    Backend backend() {
        return backend;
    }

    /**
     * Decodes a latent as a whole. The memory needed grows with the video's length.
     *
     * @param latent [C, T, H, W], normalized to mean 0 and standard deviation 1 per channel
     * @param result the owner of the result
     * @return frames [3, F, H', W'] in F32, nominally in [-1, 1], not clamped; the sizes are those of the latent times the compression
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    public Tensor decode(Tensor latent, Workspace result) {
        return decode(latent, result, Taps.NONE);
    }

    /**
     * Decodes a latent as a whole and passes intermediate results to taps.
     *
     * @param latent [C, T, H, W], normalized to mean 0 and standard deviation 1 per channel
     * @param result the owner of the result
     * @param taps receives {@code decoder.} and the name of each layer, [T, H, W, C] at the layer's resolution
     * @return frames [3, F, H', W'] in F32, nominally in [-1, 1], not clamped; the sizes are those of the latent times the compression
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    public Tensor decode(Tensor latent, Workspace result, Taps taps) {
        requireLatent(latent.shape());
        try (Activations pass = new Activations(backend, precision);
                Workspace output = backend.newWorkspace()) {
            Tensor cells = pass.allocate(DType.F32, cellsOf(latent));
            backend.patchify(latent, PatchSize.ONE, cells); // [T, H, W, C]
            Tensor patches = forward(cells, pass, output, taps.under("decoder.")); // [T', H', W', 3 * patch]
            Shape shape = patches.shape();
            Grid grid = new Grid((int) shape.length(0), (int) shape.length(1), (int) shape.length(2));
            Tensor frames = result.allocate(DType.F32, config.patch().videoOf(3, grid));
            backend.unpatchify(patches, config.patch(), frames);
            return frames; // [3, F, H', W']
        }
    }

    @Override
    public int latentChannels() {
        return config.latentChannels();
    }

    @Override
    public Grid framesOf(Grid latent) {
        return config.framesOf(latent);
    }

    /**
     * Decodes a video frame by frame with constant memory, in the tiles of {@link AutoencoderConfig#tiling}.
     *
     * @param latent [C, T, H, W], normalized; read before this method returns
     * @param guard wraps each decode
     * @return the frames from the first to the last, to be closed by the caller
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    @Override
    public FrameStream frames(Tensor latent, FrameStream.Guard guard) {
        requireLatent(latent.shape());
        Workspace memory = backend.newWorkspace();
        try {
            Tensor cells = memory.allocate(DType.F32, cellsOf(latent));
            backend.patchify(latent, PatchSize.ONE, cells); // [T, H, W, C]
            return new TiledFrames(this, cells, memory, guard);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    /**
     * Decodes a tile.
     *
     * @param latents [T, H, W, C]
     * @param result the owner of the result
     * @return patches [T', H', W', 3 * patch cells] in F32, each flattened as (channel, t, h, w)
     */
    Tensor decodeTile(Tensor latents, Workspace result) {
        try (Activations pass = new Activations(backend, precision)) {
            Tensor cells = pass.allocate(DType.F32, latents.shape());
            backend.copy(latents, cells);
            return forward(cells, pass, result, Taps.NONE);
        }
    }

    /** Decodes z [T, H, W, C] and frees it. Returns [T', H', W', 3 * patch cells] in F32: the sizes times all upsampling factors. */
    private Tensor forward(Tensor z, Activations pass, Workspace result, Taps taps) {
        Tensor latent = pass.allocate(DType.F32, z.shape());
        latentNorm.apply(z, latent); // [T, H, W, C]
        if (postQuantization != null) {
            postQuantization.apply(latent, Epilogue.NONE, z);
            backend.copy(z, latent);
        }
        pass.free(z);
        DecoderLayout layout = config.layout();
        Tensor x = convIn.apply(latent, pass); // [T, H, W, widths[0]]
        taps.accept("conv_in", x);
        x = middle.apply(x, pass, taps.under(layout.middle() + ".")); // [T, H, W, widths[0]]
        taps.accept(layout.middle(), x);
        for (int k = 0; k < levels.size(); k++) {
            String level = layout.level(k);
            x = levels.get(k).apply(x, pass, taps.under(level + ".")); // [.., widths[k]]
            if (k < upsampled.size()) {
                x = upsample(x, config.upsample().get(k), pass); // [T * t, H * h, W * w, widths[k]]
                x = upsampled.get(k).apply(x, pass);
                taps.accept(level + "." + layout.upsample(), x);
            }
            taps.accept(level, x);
        }
        normOut.applyWithSilu(x, x, backend);
        Tensor patches = convOut.apply(x, pass, result); // [T', H', W', 3 * patch]
        taps.accept("conv_out", patches);
        return patches;
    }

    private Tensor upsample(Tensor x, Dims3 factor, Activations pass) {
        Shape from = x.shape();
        Tensor out = pass.allocate(Shape.of(
                from.length(0) * factor.t(), from.length(1) * factor.h(), from.length(2) * factor.w(), from.last()));
        backend.upsampleNearest(x, factor, out);
        pass.free(x);
        return out;
    }

    private void requireLatent(Shape shape) {
        if (shape.rank() != 4 || shape.length(0) != config.latentChannels() || shape.elements() == 0) {
            throw new IllegalArgumentException(
                    "latent must be [" + config.latentChannels() + ", T, H, W] with at least one cell, found " + shape);
        }
    }

    private static Shape cellsOf(Tensor latent) {
        Shape shape = latent.shape();
        return Shape.of(shape.length(1), shape.length(2), shape.length(3), shape.length(0));
    }

    /** Frees the weights. */
    @Override
    public void close() {
        packedWeights.close();
    }
}
