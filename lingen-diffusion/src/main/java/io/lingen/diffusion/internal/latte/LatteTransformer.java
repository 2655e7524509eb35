package io.lingen.diffusion.internal.latte;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.internal.CloseableStack;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.CrossAttention;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Latte's transformer over the patches of a noisy latent (Ma et al., 2024): factorized attention in space and time. It predicts the noise of
 * a variance-preserving diffusion at a timestep from 0 to 999 and, if the variance is learned, the variance of a step. The residual stream is
 * F32 at every precision; GEMMs and other activations have the type of the precision.
 */
public final class LatteTransformer implements Denoiser {
    /** The accepted deviation of stored positions from their formula. */
    private static final double POSITION_TOLERANCE = 1e-5;

    private final Backend backend;
    private final LatteConfig config;
    private final DType precision;
    private final Workspace packedWeights;
    private final Linear patchEmbed; // p -> d
    private final @Nullable PositionTables storedPositions;
    private final TimestepEmbedding timestep;
    private final @Nullable Linear caption1; // text -> d
    private final @Nullable Linear caption2; // d -> d
    private final List<LatteBlock> blocks = new ArrayList<>();
    private final Modulation finalModulation; // shift, scale
    private final Linear finalLinear; // d -> (channel, ph, pw)

    /** Takes ownership of the workspace of the weights. */
    private LatteTransformer(ModelWeights weights, LatteConfig config) {
        int d = config.hiddenSize();
        int p = config.patch();
        boolean text = config.condition() == LatteConfig.Condition.TEXT;
        this.backend = weights.backend();
        this.config = config;
        this.precision = weights.precision();
        this.packedWeights = weights.workspace();
        ModelWeights patches = weights.under(text ? "pos_embed.proj" : "x_embedder.proj");
        this.patchEmbed = weights.linear(
                patches.host("weight", d, config.inChannels(), p, p).reshape(d, (long) config.inChannels() * p * p),
                patches.host("bias", d));
        this.storedPositions = text ? null : storedPositions(weights);
        this.timestep = text
                ? new TimestepEmbedding.Shared(weights, config)
                : new TimestepEmbedding.WithClasses(weights, config);
        this.caption1 = text ? weights.linear("caption_projection.linear_1", config.textWidth(), d) : null;
        this.caption2 = text ? weights.linear("caption_projection.linear_2", d, d) : null;
        for (LatteConfig.Block block : config.blocks()) {
            blocks.add(new LatteBlock(weights, config, block));
        }
        this.finalModulation = text
                ? Modulation.table(backend, weights.tensor("scale_shift_table", 2, d))
                : Modulation.projected(
                        weights.withPrecision(DType.F32).linear("final_layer.adaLN_modulation.1", d, 2L * d));
        this.finalLinear = finalLinear(weights, text ? "proj_out" : "final_layer.linear");
    }

    /** Loads the last layer, with rows in the order (channel, ph, pw) in place of (ph, pw, channel). */
    private Linear finalLinear(ModelWeights weights, String name) {
        int d = config.hiddenSize();
        int channels = config.outChannels();
        int cells = config.patch() * config.patch();
        long rows = (long) cells * channels;
        return weights.linear(
                HostMatrices.reorderRows(
                        weights, weights.host(name + ".weight", rows, d), row -> row % cells * channels + row / cells),
                HostMatrices.reorderRows(
                        weights, weights.host(name + ".bias", rows), row -> row % cells * channels + row / cells));
    }

    /**
     * Loads a denoiser.
     *
     * @param model contains {@code component}/config.json and its weights
     * @param component the folder within the model, usually "transformer"
     * @param backend computes the passes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the denoiser, to be closed by the caller before the backend
     * @throws CheckpointException if configuration or weights are ill-formed or do not match
     */
    public static LatteTransformer load(ModelSource model, String component, Backend backend, DType precision) {
        LatteConfig config = LatteConfig.read(model.config(component + "/config.json"));
        try (SafetensorsFile file = model.tensors(component)) {
            return load(file, config, backend, precision);
        }
    }

    /**
     * Loads a denoiser.
     *
     * @param checkpoint the tensors
     * @param config the sizes
     * @param backend computes the passes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the denoiser, to be closed by the caller before the backend
     * @throws CheckpointException if the weights do not match the configuration
     */
    public static LatteTransformer load(NamedTensors checkpoint, LatteConfig config, Backend backend, DType precision) {
        return ModelWeights.load(checkpoint, backend, precision, weights -> new LatteTransformer(weights, config));
    }

    private PositionTables storedPositions(ModelWeights weights) {
        Grid grid = new Grid(
                config.frames(), config.latentRows() / config.patch(), config.latentColumns() / config.patch());
        int d = config.hiddenSize();
        HostTensor space = weights.host("pos_embed", 1, (long) grid.h() * grid.w(), d);
        HostTensor time = weights.host("temp_embed", 1, grid.t(), d);
        if (backend.computes()) {
            for (int cell = 0; cell < grid.h() * grid.w(); cell++) {
                int row = cell / grid.w();
                int column = cell % grid.w();
                requireSinusoid("pos_embed", space, (long) cell * d, PositionTables.sinusoid(column, d / 2));
                requireSinusoid("pos_embed", space, (long) cell * d + d / 2, PositionTables.sinusoid(row, d / 2));
            }
            for (int frame = 0; frame < grid.t(); frame++) {
                requireSinusoid("temp_embed", time, (long) frame * d, PositionTables.sinusoid(frame, d));
            }
        }
        return PositionTables.of(backend, weights.workspace(), grid, 1, 1, d, true);
    }

    private static void requireSinusoid(String name, HostTensor stored, long from, float[] expected) {
        for (int i = 0; i < expected.length; i++) {
            float found = stored.get(from + i);
            if (!(Math.abs(found - expected[i]) <= POSITION_TOLERANCE)) {
                throw new CheckpointException("tensor '" + name + "': expected sinusoidal positions, found " + found
                        + " in place of " + expected[i]
                        + ". Learned positions, and positions of another latent_size, are not supported");
            }
        }
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public Prediction prediction() {
        return config.learnsVariance() ? Prediction.NOISE_AND_VARIANCE : Prediction.NOISE;
    }

    /** {@return the configuration} */
    public LatteConfig config() {
        return config;
    }

    @Override
    public Conditioning condition(Condition condition, Taps taps) {
        requireCondition(condition);
        CloseableStack owned = new CloseableStack();
        Workspace workspace = owned.add(backend.newWorkspace());
        try {
            List<@Nullable Tensor> keysAndValues = new ArrayList<>();
            Tensor weights = null;
            if (config.condition() == LatteConfig.Condition.TEXT) {
                TextEmbedding text = condition.texts().get(0);
                weights = text.weights() == null ? null : backend.upload(workspace, text.weights(), DType.F32);
                try (Workspace scratch = backend.newWorkspace()) {
                    Tensor projected = projectText(scratch, text); // [L, d]
                    taps.accept("caption_projection", projected);
                    for (LatteBlock block : blocks) {
                        CrossAttention cross = block.cross();
                        keysAndValues.add(cross == null ? null : cross.keysAndValues(workspace, projected)); // [L, 2d]
                    }
                }
            }
            return new LatteConditioning(
                    workspace,
                    backend.newRecording(),
                    selectedClass(workspace, condition.label()),
                    keysAndValues,
                    weights);
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
    }

    private void requireCondition(Condition condition) {
        Integer label = condition.label();
        switch (config.condition()) {
            case NONE:
                if (label != null || !condition.texts().isEmpty()) {
                    throw new IllegalArgumentException("condition of an unconditional model must be absent, found "
                            + (label == null ? "text" : "the class label " + label));
                }
                break;
            case CLASS:
                if (!condition.texts().isEmpty()) {
                    throw new IllegalArgumentException(
                            "condition must be a class label from 0 to " + (config.classes() - 1) + ", found text");
                }
                if (label != null && label >= config.classes()) {
                    throw new IllegalArgumentException(
                            "class label must be 0 to " + (config.classes() - 1) + ", found " + label);
                }
                break;
            default:
                if (label != null) {
                    throw new IllegalArgumentException("condition must be text, found the class label " + label);
                }
                if (condition.texts().size() != 1) {
                    throw new IllegalArgumentException("condition must have the embeddings of 1 text encoder, found "
                            + condition.texts().size());
                }
                long width = condition.texts().get(0).tokens().shape().last();
                if (width != config.textWidth()) {
                    throw new IllegalArgumentException(
                            "embeddings of the text encoder must have the width text_dims[0] = " + config.textWidth()
                                    + ", found " + width);
                }
        }
    }

    private Tensor projectText(Workspace workspace, TextEmbedding text) {
        if (caption1 == null || caption2 == null) {
            throw new IllegalStateException("the model has no text projection");
        }
        Tensor tokens = backend.upload(workspace, text.tokens(), precision); // [L, text]
        Tensor hidden = workspace.allocate(precision, tokens.shape().length(0), caption1.outFeatures()); // [L, d]
        caption1.apply(tokens, Epilogue.GELU, hidden);
        return caption2.apply(workspace, hidden, precision); // [L, d]
    }

    /** {@return a one in the column of the class, of which the last is no class; null for a model without classes} */
    private @Nullable Tensor selectedClass(Workspace workspace, @Nullable Integer label) {
        if (config.condition() != LatteConfig.Condition.CLASS) {
            return null;
        }
        float[] selected = new float[config.classes() + 1];
        selected[label == null ? config.classes() : label] = 1;
        return backend.upload(workspace, HostTensor.of(selected, 1, selected.length), DType.F32);
    }

    @Override
    public void requireLatent(Shape latent) {
        int frames = config.frames();
        if (latent.rank() != 4 || latent.length(0) != config.inChannels()) {
            throw new IllegalArgumentException(
                    "latent must be [" + config.inChannels() + ", T, H, W], found " + latent);
        }
        boolean text = config.condition() == LatteConfig.Condition.TEXT;
        if (latent.length(1) != frames && !(text && latent.length(1) == 1)) {
            throw new IllegalArgumentException("latent must have " + frames + (text ? " frames or 1" : " frames")
                    + ", found " + latent.length(1) + " in a latent " + latent);
        }
        if (!text && (latent.length(2) != config.latentRows() || latent.length(3) != config.latentColumns())) {
            throw new IllegalArgumentException("latent must have " + config.latentRows() + " x "
                    + config.latentColumns() + " cells per frame, the latent_size, found " + latent);
        }
        config.patchSize().gridOf(latent);
    }

    @Override
    public void predict(Tensor latent, double t, Conditioning conditioning, Tensor out, Taps taps) {
        requireLatent(latent.shape());
        if (!(conditioning instanceof LatteConditioning condition)) {
            throw new IllegalArgumentException("conditioning must come from this denoiser, found " + conditioning);
        }
        Grid grid = config.patchSize().gridOf(latent.shape());
        PositionTables position =
                storedPositions == null ? condition.positions(grid, this::stretchedPositions) : storedPositions;
        try (Workspace workspace = backend.newWorkspace()) {
            TimestepEmbedding.Embedded time = timestep.embed(workspace, t, condition.selectedClass(), taps);
            Runnable pass = () -> pass(latent, grid, position, time, condition, out, taps);
            if (taps == Taps.NONE) {
                condition.recording().run(List.of(latent, time.blocks(), time.last(), out), pass);
            } else {
                pass.run();
            }
        }
    }

    /**
     * {@return positions that span the same range on every grid} Their unit is a token of the training up to a latent of 64 cells. For a
     * larger one, the range is divided by the number of times that 64 fits into it. A single frame has no position in time.
     */
    private PositionTables stretchedPositions(Workspace workspace, Grid grid) {
        double base = (double) config.latentRows() / config.patch() / Math.max(config.latentRows() / 64, 1);
        return PositionTables.of(
                backend, workspace, grid, base / grid.h(), base / grid.w(), config.hiddenSize(), grid.t() > 1);
    }

    /** Computes the pass after the time embedding. It depends on the time only through the given tensors, so it can be recorded. */
    private void pass(
            Tensor latent,
            Grid grid,
            PositionTables position,
            TimestepEmbedding.Embedded time,
            LatteConditioning conditioning,
            Tensor out,
            Taps taps) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor x = embedPatches(workspace, latent, grid); // [N, d]
            taps.accept("x_embedder", x);
            position.addSpace(x, grid);
            taps.accept("pos_embed", x);
            if (config.variant() == 4) {
                position.addTime(x, grid);
            }
            for (int layer = 0; layer < blocks.size(); layer++) {
                blocks.get(layer).forward(x, grid, position, time.blocks(), conditioning, layer, taps);
            }
            Tensor patches = finalPatches(workspace, x, time.last()); // [N, (channel, ph, pw)]
            if (taps != Taps.NONE) {
                String name = config.condition() == LatteConfig.Condition.TEXT ? "proj_out" : "final_layer";
                taps.accept(name, asPublished(workspace, patches));
            }
            backend.unpatchify(patches, config.patchSize(), out); // [noise and variance, T, H, W]
        }
    }

    private Tensor embedPatches(Workspace workspace, Tensor latent, Grid grid) {
        PatchSize patch = config.patchSize();
        Tensor x = workspace.allocate(DType.F32, grid.cells(), config.hiddenSize());
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor patches = scratch.allocate(precision, grid.cells(), patchEmbed.inFeatures()); // [N, p]
            backend.patchify(latent, patch, patches);
            patchEmbed.apply(patches, Epilogue.NONE, x); // [N, d]
        }
        return x;
    }

    private Tensor finalPatches(Workspace workspace, Tensor x, Tensor time) {
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor m = finalModulation.rows(scratch, time); // [2, d]
            Tensor normed = scratch.allocate(precision, x.shape()); // [N, d]
            backend.modulatedLayerNorm(x, Modulation.row(m, 0), Modulation.row(m, 1), LatteBlock.NORM_EPSILON, normed);
            return finalLinear.apply(workspace, normed, DType.F32);
        }
    }

    /** {@return patches with the columns (ph, pw, channel), for taps} */
    private Tensor asPublished(Workspace workspace, Tensor patches) {
        int cells = config.patch() * config.patch();
        int channels = config.outChannels();
        float[] values = backend.download(patches).toFloats();
        float[] ordered = new float[values.length];
        int width = cells * channels;
        for (int i = 0; i < values.length; i++) {
            int row = i / width;
            int column = i % width;
            ordered[row * width + column % cells * channels + column / cells] = values[i];
        }
        return backend.upload(workspace, HostTensor.of(ordered, patches.shape().toArray()), DType.F32);
    }

    @Override
    public void close() {
        packedWeights.close();
    }
}
