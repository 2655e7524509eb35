package io.lingen.internal.t5;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.internal.text.EncoderNetwork;

/**
 * A layer of a T5 encoder: self-attention with position biases, then a feed-forward layer gated by GELU, each after an RMS norm and added to
 * the residual stream. No projection has a bias. Immutable and thread-safe; valid while the workspace of its weights is open.
 */
final class T5Block implements EncoderNetwork.Layer {
    private final T5Config config;
    private final Backend backend;
    private final DType precision;
    private final PositionBias bias;
    private final Tensor keyNorm;
    private final Tensor queryNorm;
    private final Linear q;
    private final Linear k;
    private final Linear v;
    private final Linear o;
    private final Tensor feedForwardNorm;
    private final Linear gate;
    private final Linear up;
    private final Linear down;

    /** Reads a layer; the position biases may be those of another one. */
    T5Block(ModelWeights weights, T5Config config, PositionBias bias) {
        this.config = config;
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.bias = bias;
        int d = config.modelWidth();
        int inner = config.attentionWidth();
        ModelWeights attention = weights.under("layer.0");
        this.keyNorm = attention.vector("layer_norm.weight", d); // [d]
        // T5 does not scale its scores, and the attention of a backend divides them by this factor.
        float scale = (float) Math.sqrt(config.headWidth());
        this.queryNorm = attention.vector("layer_norm.weight", d, weight -> weight * scale); // [d]
        this.q = attention.linearWithoutBias("SelfAttention.q", d, inner); // d -> heads * headWidth
        this.k = attention.linearWithoutBias("SelfAttention.k", d, inner); // d -> heads * headWidth
        this.v = attention.linearWithoutBias("SelfAttention.v", d, inner); // d -> heads * headWidth
        this.o = attention.linearWithoutBias("SelfAttention.o", inner, d); // heads * headWidth -> d
        ModelWeights feedForward = weights.under("layer.1");
        int f = config.feedForwardWidth();
        this.feedForwardNorm = feedForward.vector("layer_norm.weight", d); // [d]
        this.gate = feedForward.linearWithoutBias("DenseReluDense.wi_0", d, f); // d -> f
        this.up = feedForward.linearWithoutBias("DenseReluDense.wi_1", d, f); // d -> f
        this.down = feedForward.linearWithoutBias("DenseReluDense.wo", f, d); // f -> d
    }

    /**
     * Adds attention and feed-forward layer to the residual stream.
     *
     * @param x [n, d] in F32, overwritten
     * @param taps receives "attention"
     */
    @Override
    public void forward(Tensor x, Taps taps) {
        attend(x, taps);
        feedForward(x);
    }

    private void attend(Tensor x, Taps taps) {
        int n = Math.toIntExact(x.shape().length(0));
        Grid tokens = new Grid(1, 1, n);
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor u = workspace.allocate(precision, x.shape());
            norm(x, queryNorm, u);
            Tensor queries = q.apply(workspace, u, precision); // [n, heads * headWidth]
            norm(x, keyNorm, u);
            Tensor keys = k.apply(workspace, u, precision); // [n, heads * headWidth]
            Tensor values = v.apply(workspace, u, precision); // [n, heads * headWidth]
            Tensor mixed = workspace.allocate(precision, n, config.attentionWidth());
            backend.windowAttention(
                    heads(queries),
                    heads(keys),
                    heads(values),
                    tokens,
                    new Windows(new Dims3(1, 1, n), false),
                    bias.of(backend, workspace, n),
                    mixed);
            o.apply(mixed, Epilogue.ADD, x, taps, "attention");
        }
    }

    private void feedForward(Tensor x) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor u = workspace.allocate(precision, x.shape());
            norm(x, feedForwardNorm, u);
            Tensor hidden = workspace.allocate(precision, x.shape().length(0), config.feedForwardWidth());
            gate.apply(u, Epilogue.GELU, hidden); // [n, f]
            backend.multiply(hidden, up.apply(workspace, u, precision), hidden); // [n, f]
            down.apply(hidden, Epilogue.ADD, x);
        }
    }

    private void norm(Tensor x, Tensor weight, Tensor out) {
        backend.rmsNorm(x, weight, (float) config.epsilon(), false, out);
    }

    private Heads heads(Tensor matrix) {
        return new Heads(matrix, 0, config.heads(), config.headWidth());
    }
}
