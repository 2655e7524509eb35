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
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.vae.FrameStream;
import io.lingen.vae.VideoDecoder;
import io.lingen.vae.internal.LatentNorm;
import io.lingen.wan.internal.vae.CausalClip.Window;
import io.lingen.wan.internal.vae.WanVaeConfig.Stage;
import java.util.ArrayList;
import java.util.List;

/**
 * The decoder of the Wan autoencoder, from latents to frames. The first latent frame gives one frame, each later one {@link
 * WanVaeConfig#temporalCompression}. {@link #frames} decodes a video of any length, one latent frame at a time, with constant memory.
 *
 * <p>Immutable and thread-safe: videos may be decoded concurrently. Owns its packed weights, but not the backend. Close it after its
 * streams.
 */
public final class WanVideoDecoder implements VideoDecoder {
    private final WanVaeConfig config;
    private final Backend backend;
    private final DType precision;
    private final Workspace packedWeights;
    private final LatentNorm latentNorm;
    private final Linear postQuant; // C -> C
    private final CausalConvolution convIn;
    private final MiddleBlock middle;
    private final List<DecoderStage> stages = new ArrayList<>();
    private final ChannelNorm normOut;
    private final CausalConvolution convOut;
    private final PixelCells pixels;

    /** Takes ownership of the workspace of the weights. */
    private WanVideoDecoder(ModelWeights weights, WanVaeConfig config) {
        this.config = config;
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.packedWeights = weights.workspace();
        this.latentNorm = LatentNorm.decoding(weights, config.latentMean(), config.latentStd());
        int channels = config.latentChannels();
        this.postQuant = PointwiseConvolution.ofVideo(
                weights.under("post_quant_conv").withPrecision(DType.F32), channels, channels);

        ModelWeights decoder = weights.under("decoder");
        List<Stage> changes = config.decoderStages();
        int width = changes.get(0).in();
        this.convIn = new CausalConvolution(decoder.under("conv_in"), channels, width);
        this.middle = new MiddleBlock(decoder.under("mid_block"), width);
        for (Stage change : changes) {
            stages.add(new DecoderStage(decoder.under("up_blocks." + stages.size()), config, change));
            width = change.out();
        }
        this.normOut = ChannelNorm.ofVideo(decoder.under("norm_out"), width);
        this.convOut = new CausalConvolution(decoder.under("conv_out"), width, config.pixelChannels());
        this.pixels = new PixelCells(weights, config);
    }

    /**
     * Loads the decoder.
     *
     * @param file the tensors of the autoencoder
     * @param config its configuration
     * @param backend decodes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the decoder, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if a tensor is missing, invalid or unknown
     */
    public static WanVideoDecoder load(SafetensorsFile file, WanVaeConfig config, Backend backend, DType precision) {
        return ModelWeights.load(file, backend, precision, weights -> {
            weights.ignore("encoder");
            weights.ignore("quant_conv");
            return new WanVideoDecoder(weights, config);
        });
    }

    /** {@return the configuration} */
    public WanVaeConfig config() {
        return config;
    }

    Backend backend() {
        return backend;
    }

    @Override
    public int latentChannels() {
        return config.latentChannels();
    }

    @Override
    public Grid framesOf(Grid latent) {
        return config.framesOf(latent);
    }

    @Override
    public FrameStream frames(Tensor latent, FrameStream.Guard guard) {
        return frames(latent, 1, guard);
    }

    /**
     * Decodes a video frame by frame.
     *
     * @param latent [C, T, H, W], normalized; read before this method returns
     * @param pieceLength the number of latent frames that are decoded at a time, at least 1
     * @param guard wraps each decode
     */
    FrameStream frames(Tensor latent, int pieceLength, FrameStream.Guard guard) {
        requireLatent(latent.shape());
        Workspace memory = backend.newWorkspace();
        try {
            return new PieceFrames(this, cellsOf(latent, memory), pieceLength, memory, guard);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    /**
     * Decodes a latent as a whole and passes intermediate results to taps. The memory needed grows with the video's length.
     *
     * @param latent [C, T, H, W], normalized to mean 0 and standard deviation 1 per channel
     * @param result the owner of the result
     * @param taps receives {@code post_quant}, {@code conv_in}, {@code mid.res.0}, {@code mid.attn}, {@code mid}, {@code up.{i}} and {@code
     *     conv_out}, each [C, T, H, W] in F32 at the layer's resolution
     * @return frames [3, F, H', W'] in F32, nominally in [-1, 1], not clamped
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    public Tensor decode(Tensor latent, Workspace result, Taps taps) {
        requireLatent(latent.shape());
        try (CausalClip clip = newClip(taps);
                Workspace memory = backend.newWorkspace()) {
            clip.beginPiece(true);
            Tensor video = pixels.video(forward(cellsOf(latent, memory), clip), clip);
            Tensor frames = result.allocate(DType.F32, video.shape());
            backend.copy(video, frames);
            return frames;
        }
    }

    CausalClip newClip(Taps taps) {
        return new CausalClip(backend, precision, taps);
    }

    /**
     * Decodes the next piece of a clip.
     *
     * @param latents [T, H, W, C], normalized
     * @param last whether no piece follows
     * @param result the owner of the result
     * @return frames [F, H', W', 3] in F32
     */
    Tensor decodePiece(Tensor latents, boolean last, CausalClip clip, Workspace result) {
        clip.beginPiece(last);
        Tensor video = pixels.video(forward(latents, clip), clip); // [3, F, H', W']
        Shape planes = video.shape();
        Tensor frames =
                result.allocate(DType.F32, planes.length(1), planes.length(2), planes.length(3), planes.length(0));
        backend.patchify(video, PatchSize.ONE, frames);
        clip.free(video);
        clip.endPiece();
        return frames;
    }

    /** Decodes z [T, H, W, C] to cells [F, H', W', pixel channels] in F32, which the clip owns. */
    private Tensor forward(Tensor z, CausalClip clip) {
        Tensor latent = clip.allocate(DType.F32, z.shape());
        latentNorm.apply(z, latent); // [T, H, W, C]
        Window input = convIn.input(z.shape(), clip);
        postQuant.apply(latent, Epilogue.NONE, input.frames());
        clip.free(latent);
        clip.tap("post_quant", input.frames());
        Tensor x = convIn.apply(input, clip); // [T, H, W, width]
        clip.tap("conv_in", x);
        x = middle.apply(x, clip); // [T, H, W, width]
        for (int i = 0; i < stages.size(); i++) {
            x = stages.get(i).apply(x, clip); // [T', H', W', width']
            clip.tap("up." + i, x);
        }
        input = convOut.input(x.shape(), clip);
        normOut.applyWithSilu(x, input.frames(), backend);
        clip.free(x);
        Tensor cells = convOut.applyInF32(input, clip); // [F, H', W', pixel channels]
        clip.tap("conv_out", cells);
        return cells;
    }

    /** {@return a latent [C, T, H, W] as [T, H, W, C] in F32} */
    private Tensor cellsOf(Tensor latent, Workspace memory) {
        Shape shape = latent.shape();
        Tensor cells = memory.allocate(DType.F32, shape.length(1), shape.length(2), shape.length(3), shape.length(0));
        backend.patchify(latent, PatchSize.ONE, cells);
        return cells;
    }

    private void requireLatent(Shape shape) {
        if (shape.rank() != 4 || shape.length(0) != config.latentChannels() || shape.elements() == 0) {
            throw new IllegalArgumentException(
                    "latent must be [" + config.latentChannels() + ", T, H, W] with at least one cell, found " + shape);
        }
    }

    /** Frees the weights. */
    @Override
    public void close() {
        packedWeights.close();
    }
}
