package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.internal.CloseableStack;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.diffusion.internal.TimeEmbedding;
import io.lingen.mate.MateBlock;
import io.lingen.mate.MateConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A transformer over the patches of a noisy latent, conditioned on time and text (specification, section 2). The architectures differ only
 * in the token mixer of their blocks: MATE for LinGen, of linear cost in the number of tokens; full attention for the DiT baseline, of
 * quadratic cost. The residual stream is F32 at every precision; GEMMs and other activations have the type of the precision.
 */
public final class VideoTransformer implements Denoiser {
    private static final int TIME_WIDTH = 256;
    private static final double TIME_SCALE = 1000;

    private final Backend backend;
    private final TransformerConfig config;
    private final DType precision;
    private final Workspace packedWeights;
    private final Linear patchEmbed; // p -> d
    private final PositionEmbedding position;
    private final TimeEmbedding time;
    private final TextProjection text;
    private final List<TransformerBlock> blocks = new ArrayList<>();
    private final FinalLayer finalLayer;

    /** Takes ownership of the workspace of the weights. */
    private VideoTransformer(ModelWeights weights, TransformerConfig config, TokenMixerFactory mixers) {
        int d = config.hiddenSize();
        this.backend = weights.backend();
        this.config = config;
        this.precision = weights.precision();
        this.packedWeights = weights.workspace();
        this.patchEmbed = weights.linear("patch_embed", config.patchWidth(), d);
        this.position = new PositionEmbedding(weights.under("pos_embed"), config.maxGrid(), d);
        ModelWeights exact = weights.withPrecision(DType.F32);
        this.time = new TimeEmbedding(
                backend,
                exact.linear("time_embed.fc1", TIME_WIDTH, d),
                exact.linear("time_embed.fc2", d, d),
                exact.linear("adaln", d, 6L * d));
        this.text = new TextProjection(weights, config);
        for (int layer = 0; layer < config.depth(); layer++) {
            ModelWeights block = weights.under("blocks." + layer);
            blocks.add(new TransformerBlock(block, config, mixers.create(block, layer)));
        }
        this.finalLayer = new FinalLayer(weights.under("final"), config);
    }

    /**
     * Loads a denoiser of either architecture.
     *
     * @param model contains {@code component}/config.json and its weights
     * @param component the folder within the model, usually "transformer"
     * @param backend computes the passes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the denoiser, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if configuration or weights are ill-formed or do not match
     */
    public static VideoTransformer load(ModelSource model, String component, Backend backend, DType precision) {
        TransformerConfig config = TransformerConfig.read(model.config(component + "/config.json"));
        TokenMixerFactory mixers = mixers(config);
        try (SafetensorsFile file = model.tensors(component)) {
            return ModelWeights.load(
                    file, backend, precision, weights -> new VideoTransformer(weights, config, mixers));
        }
    }

    private static TokenMixerFactory mixers(TransformerConfig config) {
        return switch (config.architecture()) {
            case LINGEN -> {
                MateConfig mate = Objects.requireNonNull(config.mate());
                yield (block, layer) -> new MateBlock(block, mate, config.hiddenSize(), config.heads(), layer);
            }
            case DIT -> (block, layer) -> new SelfAttention(block.under("attn"), config);
        };
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public Prediction prediction() {
        return Prediction.VELOCITY;
    }

    /** {@return the configuration} */
    public TransformerConfig config() {
        return config;
    }

    @Override
    public Conditioning condition(Condition condition, Taps taps) {
        if (condition.label() != null) {
            throw new IllegalArgumentException("condition must be text, found the class label " + condition.label());
        }
        CloseableStack owned = new CloseableStack();
        Workspace workspace = owned.add(backend.newWorkspace());
        try {
            TextProjection.Projected projected = text.project(workspace, condition.texts(), taps); // [L, d]
            List<Tensor> keysAndValues = new ArrayList<>();
            for (TransformerBlock block : blocks) {
                keysAndValues.add(block.cross().keysAndValues(workspace, projected.tokens())); // [L, 2d]
            }
            return new TextConditioning(workspace, backend.newRecording(), keysAndValues, projected.weights());
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
    }

    @Override
    public void requireLatent(Shape latent) {
        PatchSize patch = config.patchSize();
        if (latent.rank() != 4 || latent.length(0) != config.inChannels()) {
            throw new IllegalArgumentException(
                    "latent must be [" + config.inChannels() + ", T, H, W], found " + latent);
        }
        Grid grid = patch.gridOf(latent);
        Grid max = config.maxGrid();
        if (grid.t() > max.t() || grid.h() > max.h() || grid.w() > max.w()) {
            throw new IllegalArgumentException(
                    "latent must have at most " + max + " tokens (frames x height x width), found " + grid
                            + " in a latent " + latent + "; use a shorter or smaller video");
        }
    }

    @Override
    public void predict(Tensor latent, double t, Conditioning conditioning, Tensor velocity, Taps taps) {
        requireLatent(latent.shape());
        if (!(conditioning instanceof TextConditioning text)) {
            throw new IllegalArgumentException("conditioning must come from this denoiser, found " + conditioning);
        }
        try (Workspace workspace = backend.newWorkspace()) {
            float[] sinusoid = TimeEmbedding.sinusoid(TIME_SCALE * t, TIME_WIDTH);
            TimeEmbedding.Embedded embedded = time.embed(workspace, sinusoid);
            taps.accept("time_embed", embedded.embedding());
            taps.accept("adaln", embedded.modulation());
            Runnable pass = () -> pass(latent, embedded, text, velocity, taps);
            if (taps == Taps.NONE) {
                List<Tensor> operands = List.of(latent, embedded.embedding(), embedded.modulation(), velocity);
                text.recording().run(operands, pass);
            } else {
                pass.run();
            }
        }
    }

    /** Computes the pass after the time embedding. It depends on the time only through the given tensors, so it can be recorded. */
    private void pass(
            Tensor latent, TimeEmbedding.Embedded embedded, TextConditioning conditioning, Tensor velocity, Taps taps) {
        Grid grid = config.patchSize().gridOf(latent.shape());
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor x = embedPatches(workspace, latent, grid); // [N, d]
            taps.accept("patch_embed", x);
            for (int layer = 0; layer < blocks.size(); layer++) {
                blocks.get(layer)
                        .forward(
                                x,
                                grid,
                                position,
                                embedded.modulation(),
                                conditioning.keysAndValues(layer),
                                conditioning,
                                taps.under("blocks." + layer + "."));
                taps.accept("blocks." + layer, x);
            }
            Tensor patches = finalLayer.forward(workspace, x, embedded.embedding()); // [N, p]
            taps.accept("final", patches);
            backend.unpatchify(patches, config.patchSize(), velocity); // [C, T, H, W]
        }
    }

    private Tensor embedPatches(Workspace workspace, Tensor latent, Grid grid) {
        Tensor x = workspace.allocate(DType.F32, grid.cells(), config.hiddenSize());
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor patches = scratch.allocate(precision, grid.cells(), config.patchWidth()); // [N, p]
            backend.patchify(latent, config.patchSize(), patches);
            patchEmbed.apply(patches, Epilogue.NONE, x); // [N, d]
        }
        return x;
    }

    @Override
    public void close() {
        packedWeights.close();
    }
}
