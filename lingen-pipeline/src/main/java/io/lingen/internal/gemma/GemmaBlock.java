package io.lingen.internal.gemma;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.internal.text.EncoderNetwork;

/**
 * A layer of Gemma 2: causal self-attention, then a feed-forward layer gated by GELU. Each has an RMS norm before it and one after it, and is
 * added to the residual stream. No projection has a bias. Immutable and thread-safe; valid while the workspace of its weights is open.
 */
final class GemmaBlock implements EncoderNetwork.Layer {
    private final GemmaConfig config;
    private final Backend backend;
    private final DType precision;
    private final CausalAttention attention;
    private final Tensor attentionNorm;
    private final Linear q;
    private final Linear k;
    private final Linear v;
    private final Linear o;
    private final Tensor attentionOutputNorm;
    private final Tensor feedForwardNorm;
    private final Linear gate;
    private final Linear up;
    private final Linear down;
    private final Tensor feedForwardOutputNorm;

    /** Reads a layer. */
    GemmaBlock(ModelWeights weights, GemmaConfig config, int layer) {
        this.config = config;
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.attention = new CausalAttention(config, GemmaConfig.hasWindow(layer));
        int d = config.width();
        int f = config.feedForwardWidth();
        ModelWeights projections = weights.under("self_attn");
        this.attentionNorm = GemmaNetwork.norm(weights, "input_layernorm", config); // [d]
        this.q = projections.linearWithoutBias("q_proj", d, config.queryWidth()); // d -> heads * headWidth
        this.k = projections.linearWithoutBias("k_proj", d, config.keyWidth()); // d -> keyHeads * headWidth
        this.v = projections.linearWithoutBias("v_proj", d, config.keyWidth()); // d -> keyHeads * headWidth
        this.o = projections.linearWithoutBias("o_proj", config.queryWidth(), d); // heads * headWidth -> d
        this.attentionOutputNorm = GemmaNetwork.norm(weights, "post_attention_layernorm", config); // [d]
        ModelWeights feedForward = weights.under("mlp");
        this.feedForwardNorm = GemmaNetwork.norm(weights, "pre_feedforward_layernorm", config); // [d]
        this.gate = feedForward.linearWithoutBias("gate_proj", d, f); // d -> f
        this.up = feedForward.linearWithoutBias("up_proj", d, f); // d -> f
        this.down = feedForward.linearWithoutBias("down_proj", f, d); // f -> d
        this.feedForwardOutputNorm = GemmaNetwork.norm(weights, "post_feedforward_layernorm", config); // [d]
    }

    /**
     * Adds attention and feed-forward layer to the residual stream.
     *
     * @param x [n, d] in F32, overwritten
     * @param taps receives "attention", before the norm after it
     */
    @Override
    public void forward(Tensor x, Taps taps) {
        attend(x, taps);
        feedForward(x);
    }

    private void attend(Tensor x, Taps taps) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor u = workspace.allocate(precision, x.shape());
            norm(x, attentionNorm, u);
            Tensor queries = q.apply(workspace, u, DType.F32); // [n, heads * headWidth]
            Tensor keys = k.apply(workspace, u, DType.F32); // [n, keyHeads * headWidth]
            Tensor values = v.apply(workspace, u, DType.F32); // [n, keyHeads * headWidth]
            Tensor mixed = workspace.allocate(precision, x.shape().length(0), config.queryWidth());
            attention.apply(backend, queries, keys, values, mixed);
            Tensor y = o.apply(workspace, mixed, DType.F32); // [n, d]
            taps.accept("attention", y);
            norm(y, attentionOutputNorm, y);
            backend.add(x, y, x);
        }
    }

    private void feedForward(Tensor x) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor u = workspace.allocate(precision, x.shape());
            norm(x, feedForwardNorm, u);
            Tensor hidden = workspace.allocate(precision, x.shape().length(0), config.feedForwardWidth());
            gate.apply(u, Epilogue.GELU, hidden); // [n, f]
            backend.multiply(hidden, up.apply(workspace, u, precision), hidden); // [n, f]
            Tensor y = down.apply(workspace, hidden, DType.F32); // [n, d]
            norm(y, feedForwardOutputNorm, y);
            backend.add(x, y, x);
        }
    }

    private void norm(Tensor x, Tensor weight, Tensor out) {
        backend.rmsNorm(x, weight, (float) config.epsilon(), false, out);
    }
}
