package io.lingen.diffusion.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.CloseableStack;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.core.op.Rotation;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.TimeEmbedding;
import java.util.ArrayList;
import java.util.List;

/**
 * A video transformer of a published flow model: patches with rotary positions, blocks with cross-attention to one text, and an output
 * modulated by the time. The output is noise minus data at a noise level of t / 1000. The residual stream, norms, modulation and time
 * embedding are F32 at every precision.
 */
public final class FlowTransformer implements PerTokenDenoiser {
    /** The size of a token's patch, the same for all published models. */
    public static final PatchSize PATCH = new PatchSize(1, 2, 2);

    private final Backend backend;
    private final DType precision;
    private final Workspace packedWeights;
    private final Layers layers;

    /**
     * The layers of a transformer.
     *
     * @param patchEmbedding 4C -> D, columns ordered (channel, patch cell)
     * @param rotary the positions
     * @param time embeds the time and computes the modulation [6, D] of the blocks
     * @param text projects text rows to the width D
     * @param blocks the blocks, in order
     * @param output computes the velocity of every patch
     */
    public record Layers(
            Linear patchEmbedding,
            RotaryTables rotary,
            TimeEmbedding time,
            TextEmbedder text,
            List<? extends FlowBlock> blocks,
            VelocityOutput output) {
        /** Copies the list of blocks. */
        public Layers {
            blocks = List.copyOf(blocks);
        }
    }

    /**
     * Joins the layers and takes ownership of the workspace of their weights.
     *
     * @param weights the weights of the whole transformer
     * @param layers the layers
     */
    public FlowTransformer(ModelWeights weights, Layers layers) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.packedWeights = weights.workspace();
        this.layers = layers;
    }

    /**
     * Reads the patch embedding {@code patch_embedding}: a convolution whose stride is its kernel.
     *
     * @param weights the weights of the whole transformer
     * @param channels the number C of channels of a latent
     * @param d the width D
     * @return the layer 4C -> D
     */
    public static Linear patchEmbedding(ModelWeights weights, int channels, int d) {
        HostTensor weight = weights.host("patch_embedding.weight", d, channels, PATCH.t(), PATCH.h(), PATCH.w());
        return weights.linear(
                weight.reshape(d, (long) channels * PATCH.cells()), weights.host("patch_embedding.bias", d));
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
        long width = embedding.tokens().shape().last();
        if (width != layers.text.textWidth()) {
            throw new IllegalArgumentException("text embedding must have the width " + layers.text.textWidth()
                    + " of the transformer, found " + width + "; use the encoder and the transformer of one model");
        }
        CloseableStack owned = new CloseableStack();
        Workspace workspace = owned.add(backend.newWorkspace());
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor text = layers.text.project(scratch, embedding.tokens()); // [L, D]
            taps.accept("text", text);
            HostTensor weights = embedding.weights();
            Tensor uploaded = weights == null ? null : backend.upload(workspace, weights, DType.F32);
            List<TextKeys> blocks = new ArrayList<>();
            for (FlowBlock block : layers.blocks) {
                blocks.add(new TextKeys(block.keys(workspace, text), block.values(workspace, text), uploaded));
            }
            return new FlowConditioning(workspace, backend.newRecording(), blocks);
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
    }

    @Override
    public void requireLatent(Shape latent) {
        int channels = layers.output.channels();
        if (latent.rank() != 4 || latent.length(0) != channels) {
            throw new IllegalArgumentException("latent must be [" + channels + ", T, H, W], found " + latent);
        }
        Grid grid = PATCH.gridOf(latent);
        if (Math.max(grid.t(), Math.max(grid.h(), grid.w())) > layers.rotary.positions()) {
            throw new IllegalArgumentException("latent must have at most " + layers.rotary.positions()
                    + " tokens on an axis, found " + grid + "; use a shorter or smaller video");
        }
    }

    @Override
    public void predict(Tensor latent, double t, Conditioning conditioning, Tensor out, Taps taps) {
        requireLatent(latent.shape());
        FlowConditioning text = require(conditioning);
        try (Workspace workspace = backend.newWorkspace()) {
            TimeEmbedding.Embedded embedded = embed(workspace, t);
            taps.accept("temb", embedded.embedding());
            taps.accept("time_proj", embedded.modulation());
            Times times = new Times();
            times.add(0, PATCH.gridOf(latent.shape()).cells(), embedded);
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
        FlowConditioning text = require(conditioning);
        long tokens = PATCH.gridOf(latent.shape()).cells();
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
                spans.add(from, to, embed(workspace, times[from]));
            }
            pass(latent, spans, text, out, Taps.NONE);
        }
    }

    private static FlowConditioning require(Conditioning conditioning) {
        if (!(conditioning instanceof FlowConditioning text)) {
            throw new IllegalArgumentException("conditioning must come from this denoiser, found " + conditioning);
        }
        return text;
    }

    private TimeEmbedding.Embedded embed(Workspace workspace, double t) {
        return layers.time.embed(workspace, TimeEmbedding.sinusoidInF32((float) t, layers.time.sinusoidWidth()));
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

    /** Computes the pass after the time embedding. It depends on the time only through the given tensors, so it can be recorded. */
    private void pass(Tensor latent, Times times, FlowConditioning text, Tensor out, Taps taps) {
        Rotation rotation = layers.rotary.of(PATCH.gridOf(latent.shape()));
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor x = embedPatches(workspace, latent, rotation.grid()); // [N, D]
            taps.accept("patch", x);
            layers.rotary.tap(rotation.grid(), taps);
            for (int layer = 0; layer < layers.blocks.size(); layer++) {
                FlowBlock block = layers.blocks.get(layer);
                TextKeys keys = text.blocks().get(layer);
                block.forward(x, rotation, times.modulations(), keys, taps.under("blocks." + layer + "."));
                taps.accept("blocks." + layer, x);
            }
            Tensor patches = layers.output.forward(workspace, x, times.embeddings(), taps); // [N, 4C]
            backend.unpatchify(patches, PATCH, out); // [C, T, H, W]
        }
    }

    private Tensor embedPatches(Workspace workspace, Tensor latent, Grid grid) {
        Tensor x = workspace.allocate(DType.F32, grid.cells(), layers.patchEmbedding.outFeatures());
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor patches = scratch.allocate(precision, grid.cells(), layers.patchEmbedding.inFeatures()); // [N, 4C]
            backend.patchify(latent, PATCH, patches);
            layers.patchEmbedding.apply(patches, Epilogue.NONE, x); // [N, D]
        }
        return x;
    }

    /** Frees the weights. */
    @Override
    public void close() {
        packedWeights.close();
    }
}
