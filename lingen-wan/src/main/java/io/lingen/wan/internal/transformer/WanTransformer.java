package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.internal.CloseableStack;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.TimeEmbedding;
import io.lingen.internal.PerTokenDenoiser;
import java.util.ArrayList;
import java.util.List;

/**
 * Wan's video transformer (Wan Team, 2025): full attention with rotary positions, cross-attention to the text and a feed-forward network.
 * The time modulates the attention and the feed-forward network. The output is noise minus data at a noise level of t / 1000. The residual
 * stream, norms, modulation and time embedding are F32 at every precision.
 */
public final class WanTransformer implements PerTokenDenoiser {
    private static final String GATE = "blocks.0.attn1." + TileAttention.GATE + ".weight";

    private final Backend backend;
    private final WanTransformerConfig config;
    private final DType precision;
    private final Workspace packedWeights;
    private final Linear patchEmbedding; // 4C -> D
    private final RotaryTables rotary;
    private final TimeEmbedding time;
    private final Linear text1; // text width -> D
    private final Linear text2; // D -> D
    private final List<WanBlock> blocks = new ArrayList<>();
    private final Tensor scaleShiftTable; // [2, D]: shift, scale
    private final Linear output; // D -> 4C, columns in the order of a patch: channel first

    /** Takes ownership of the workspace of the weights. */
    private WanTransformer(ModelWeights weights, WanTransformerConfig config) {
        int d = config.width();
        this.backend = weights.backend();
        this.config = config;
        this.precision = weights.precision();
        this.packedWeights = weights.workspace();
        this.patchEmbedding = weights.linear(
                weights.host("patch_embedding.weight", d, config.channels(), 1, 2, 2)
                        .reshape(d, config.patchWidth()),
                weights.host("patch_embedding.bias", d));
        this.rotary = new RotaryTables(backend, packedWeights, config.headDim(), config.maxPositions());
        ModelWeights embedder = weights.under("condition_embedder");
        ModelWeights exact = embedder.withPrecision(DType.F32);
        this.time = new TimeEmbedding(
                backend,
                exact.linear("time_embedder.linear_1", config.timeWidth(), d),
                exact.linear("time_embedder.linear_2", d, d),
                exact.linear("time_proj", d, 6L * d));
        this.text1 = embedder.linear("text_embedder.linear_1", config.textWidth(), d);
        this.text2 = embedder.linear("text_embedder.linear_2", d, d);
        boolean gated = weights.has(GATE);
        for (int layer = 0; layer < config.layers(); layer++) {
            blocks.add(new WanBlock(weights.under("blocks." + layer), config, gated));
        }
        this.scaleShiftTable = weights.tensor("scale_shift_table", 1, 2, d).reshape(Shape.of(2, d));
        this.output = output(weights);
    }

    /** Reads the output layer. Its rows are ordered (patch cell, channel) in the checkpoint, and (channel, patch cell) in the result. */
    private Linear output(ModelWeights weights) {
        HostTensor weight = weights.host("proj_out.weight", config.patchWidth(), config.width());
        HostTensor bias = weights.host("proj_out.bias", config.patchWidth());
        return backend.computes()
                ? weights.linear(channelFirst(weight), channelFirst(bias))
                : weights.linear(weight, bias);
    }

    private HostTensor channelFirst(HostTensor rows) {
        int channels = config.channels();
        int cells = WanTransformerConfig.PATCH.cells();
        int width = Math.toIntExact(rows.shape().elements() / config.patchWidth());
        float[] from = rows.toFloats();
        float[] to = new float[from.length];
        for (int cell = 0; cell < cells; cell++) {
            for (int channel = 0; channel < channels; channel++) {
                System.arraycopy(
                        from, (cell * channels + channel) * width, to, (channel * cells + cell) * width, width);
            }
        }
        return HostTensor.of(to, rows.shape().toArray());
    }

    /**
     * Loads a transformer.
     *
     * @param config the configuration
     * @param tensors the weights, with the tensor names of diffusers; not used after this call
     * @param backend the backend that computes the passes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the transformer, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if weights are missing, surplus or of another shape
     */
    public static WanTransformer load(
            WanTransformerConfig config, NamedTensors tensors, Backend backend, DType precision) {
        return ModelWeights.load(tensors, backend, precision, weights -> new WanTransformer(weights, config));
    }

    /**
     * {@return whether a transformer has gated attention among tiles, with which FastVideo distills models to a few steps}
     *
     * @param tensors the weights, with the tensor names of diffusers
     */
    public static boolean isGated(NamedTensors tensors) {
        return tensors.names().contains(GATE);
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public Prediction prediction() {
        return Prediction.VELOCITY_TO_NOISE;
    }

    @Override
    public Conditioning condition(Condition condition, Taps taps) {
        if (condition.label() != null || condition.texts().size() != 1) {
            throw new IllegalArgumentException("condition must be the embedding of one text encoder, found "
                    + (condition.label() != null
                            ? "the class label " + condition.label()
                            : condition.texts().size() + " embeddings"));
        }
        TextEmbedding embedding = condition.texts().get(0);
        if (embedding.tokens().shape().last() != config.textWidth()) {
            throw new IllegalArgumentException(
                    "text embedding must have the width text_dim = " + config.textWidth() + ", found "
                            + embedding.tokens().shape().last() + "; use the encoder and the transformer of one model");
        }
        CloseableStack owned = new CloseableStack();
        Workspace workspace = owned.add(backend.newWorkspace());
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor text = project(scratch, embedding.tokens()); // [L, D]
            taps.accept("text", text);
            List<Tensor> keys = new ArrayList<>();
            List<Tensor> values = new ArrayList<>();
            for (WanBlock block : blocks) {
                keys.add(block.crossAttention().keys(workspace, text));
                values.add(block.crossAttention().values(workspace, text));
            }
            HostTensor weights = embedding.weights();
            return new WanConditioning(
                    workspace,
                    backend.newRecording(),
                    keys,
                    values,
                    weights == null ? null : backend.upload(workspace, weights, DType.F32));
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
    }

    /** {@return Linear2(GELU(Linear1(rows)))} */
    private Tensor project(Workspace workspace, HostTensor rows) {
        long length = rows.shape().length(0);
        Tensor uploaded = backend.upload(workspace, rows, precision); // [L, text width]
        Tensor hidden = workspace.allocate(precision, length, config.width()); // [L, D]
        text1.apply(uploaded, Epilogue.GELU, hidden);
        return text2.apply(workspace, hidden, precision);
    }

    @Override
    public void requireLatent(Shape latent) {
        if (latent.rank() != 4 || latent.length(0) != config.channels()) {
            throw new IllegalArgumentException("latent must be [" + config.channels() + ", T, H, W], found " + latent);
        }
        Grid grid = WanTransformerConfig.PATCH.gridOf(latent);
        if (Math.max(grid.t(), Math.max(grid.h(), grid.w())) > config.maxPositions()) {
            throw new IllegalArgumentException("latent must have at most " + config.maxPositions()
                    + " tokens on an axis, found " + grid + "; use a shorter or smaller video");
        }
    }

    @Override
    public void predict(Tensor latent, double t, Conditioning conditioning, Tensor out, Taps taps) {
        requireLatent(latent.shape());
        WanConditioning text = require(conditioning);
        try (Workspace workspace = backend.newWorkspace()) {
            TimeEmbedding.Embedded embedded = time.embed(workspace, sinusoid((float) t));
            taps.accept("temb", embedded.embedding());
            taps.accept("time_proj", embedded.modulation());
            long tokens = WanTransformerConfig.PATCH.gridOf(latent.shape()).cells();
            Times times = new Times();
            times.add(0, tokens, embedded);
            Runnable pass = () -> pass(latent, times, text, out, taps);
            if (taps == Taps.NONE) {
                text.recording().run(List.of(latent, embedded.embedding(), embedded.modulation(), out), pass);
            } else {
                pass.run();
            }
        }
    }

    @Override
    public void predict(Tensor latent, double[] times, Conditioning conditioning, Tensor out) {
        requireLatent(latent.shape());
        WanConditioning text = require(conditioning);
        long tokens = WanTransformerConfig.PATCH.gridOf(latent.shape()).cells();
        if (times.length != tokens) {
            throw new IllegalArgumentException("times must be those of " + tokens + " tokens, found " + times.length);
        }
        try (Workspace workspace = backend.newWorkspace()) {
            Times spans = new Times();
            for (int from = 0, to; from < times.length; from = to) {
                to = from + 1;
                while (to < times.length && times[to] == times[from]) {
                    to++;
                }
                spans.add(from, to, time.embed(workspace, sinusoid((float) times[from])));
            }
            pass(latent, spans, text, out, Taps.NONE);
        }
    }

    private static WanConditioning require(Conditioning conditioning) {
        if (!(conditioning instanceof WanConditioning text)) {
            throw new IllegalArgumentException("conditioning must come from this denoiser, found " + conditioning);
        }
        return text;
    }

    /** The embeddings [1, D] and the modulation [6, D] of the times of all tokens. */
    private record Times(List<Modulation> embeddings, List<Modulation> modulations) {
        Times() {
            this(new ArrayList<>(), new ArrayList<>());
        }

        void add(long from, long to, TimeEmbedding.Embedded embedded) {
            embeddings.add(new Modulation(from, to, embedded.embedding()));
            modulations.add(new Modulation(from, to, embedded.modulation()));
        }
    }

    /** Computes {@link TimeEmbedding#sinusoid} in F32 throughout, because the model was trained with the rounding errors of F32. */
    private float[] sinusoid(float t) {
        int half = config.timeWidth() / 2;
        float[] wave = new float[2 * half];
        for (int i = 0; i < half; i++) {
            float exponent = (float) -Math.log(10000) * i / half;
            float angle = t * (float) Math.exp(exponent);
            wave[i] = (float) Math.cos(angle);
            wave[half + i] = (float) Math.sin(angle);
        }
        return wave;
    }

    /** Computes the pass after the time embedding. It depends on the time only through the given tensors, so it can be recorded. */
    private void pass(Tensor latent, Times times, WanConditioning text, Tensor out, Taps taps) {
        Grid grid = WanTransformerConfig.PATCH.gridOf(latent.shape());
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor x = embedPatches(workspace, latent, grid); // [N, D]
            taps.accept("patch", x);
            tapRotation(grid, taps);
            for (int layer = 0; layer < blocks.size(); layer++) {
                blocks.get(layer)
                        .forward(
                                x, grid, rotary, times.modulations(), text, layer, taps.under("blocks." + layer + "."));
                taps.accept("blocks." + layer, x);
            }
            Tensor patches = output(workspace, x, times.embeddings()); // [N, 4C]
            backend.unpatchify(patches, WanTransformerConfig.PATCH, out); // [C, T, H, W]
            tapOutput(patches, taps);
        }
    }

    private Tensor embedPatches(Workspace workspace, Tensor latent, Grid grid) {
        Tensor x = workspace.allocate(DType.F32, grid.cells(), config.width());
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor patches = scratch.allocate(precision, grid.cells(), config.patchWidth()); // [N, 4C]
            backend.patchify(latent, WanTransformerConfig.PATCH, patches);
            patchEmbedding.apply(patches, Epilogue.NONE, x); // [N, D]
        }
        return x;
    }

    private Tensor output(Workspace workspace, Tensor x, List<Modulation> embeddings) {
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor normed = scratch.allocate(precision, x.shape()); // [N, D]
            for (Modulation time : embeddings) {
                Tensor vectors = scratch.allocate(DType.F32, scaleShiftTable.shape()); // [2, D]: shift, scale
                for (int row = 0; row < 2; row++) {
                    backend.add(scaleShiftTable.slice(row, row + 1), time.vectors(), vectors.slice(row, row + 1));
                }
                Modulation m = new Modulation(time.from(), time.to(), vectors);
                backend.modulatedLayerNorm(m.rowsOf(x), m.vector(0), m.vector(1), config.epsilon(), m.rowsOf(normed));
            }
            return output.apply(workspace, normed, DType.F32);
        }
    }

    private void tapRotation(Grid grid, Taps taps) {
        if (taps != Taps.NONE) {
            tap("rope.cos", rotary.values(grid, 0), taps);
            tap("rope.sin", rotary.values(grid, 1), taps);
        }
    }

    /** Passes the output to taps, with its columns in the order of the checkpoint: (patch cell, channel). */
    private void tapOutput(Tensor patches, Taps taps) {
        if (taps == Taps.NONE || !backend.computes()) {
            return;
        }
        int channels = config.channels();
        int cells = WanTransformerConfig.PATCH.cells();
        float[] rows = backend.download(patches).toFloats();
        float[] reordered = new float[rows.length];
        for (int i = 0; i < rows.length; i++) {
            int column = i % config.patchWidth();
            int target = column % cells * channels + column / cells;
            reordered[i - column + target] = rows[i];
        }
        tap("proj_out", HostTensor.of(reordered, patches.shape().toArray()), taps);
    }

    private void tap(String name, HostTensor values, Taps taps) {
        try (Workspace workspace = backend.newWorkspace()) {
            taps.accept(name, backend.upload(workspace, values, DType.F32));
        }
    }

    /** Frees the weights. */
    @Override
    public void close() {
        packedWeights.close();
    }
}
