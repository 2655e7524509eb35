package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Heads;
import io.lingen.diffusion.internal.TokenChunks;
import io.lingen.diffusion.internal.transformer.TextKeys;

/** Attention from video tokens to text rows: an affine norm before it, an RMS norm of queries and keys, no positions and no gate. */
final class WanCrossAttention {
    private final Backend backend;
    private final DType precision;
    private final WanTransformerConfig config;
    private final Tensor normScale; // [D], the norm's weight - 1
    private final Tensor normShift; // [D]
    private final Linear query; // D -> D
    private final Linear key; // D -> D
    private final Linear value; // D -> D
    private final Linear projection; // D -> D
    private final Tensor queryNorm; // [D]
    private final Tensor keyNorm; // [D]

    /** @param block the weights of the block, which holds the affine norm beside the attention's */
    WanCrossAttention(ModelWeights block, WanTransformerConfig config) {
        int d = config.width();
        ModelWeights weights = block.under("attn2");
        this.backend = block.backend();
        this.precision = block.precision();
        this.config = config;
        this.normScale = backend.upload(block.workspace(), minusOne(block.host("norm2.weight", d)), DType.F32);
        this.normShift = block.vector("norm2.bias", d);
        this.query = weights.linear("to_q", d, d);
        this.key = weights.linear("to_k", d, d);
        this.value = weights.linear("to_v", d, d);
        this.queryNorm = weights.vector("norm_q.weight", d);
        this.keyNorm = weights.vector("norm_k.weight", d);
        this.projection = weights.linear("to_out.0", d, d);
    }

    /** {@return the weight of an affine norm as the scale of a modulated one} */
    private HostTensor minusOne(HostTensor weight) {
        if (!backend.computes()) {
            return weight;
        }
        float[] scale = weight.toFloats();
        for (int i = 0; i < scale.length; i++) {
            scale[i] -= 1;
        }
        return HostTensor.of(scale, scale.length);
    }

    /**
     * {@return the normalized keys of a text}
     *
     * @param workspace the owner of the result
     * @param text [L, D]
     */
    Tensor keys(Workspace workspace, Tensor text) {
        Tensor keys = key.apply(workspace, text, precision); // [L, D]
        backend.rmsNorm(keys, keyNorm, config.epsilon(), false, keys);
        return keys;
    }

    /**
     * {@return the values of a text}
     *
     * @param workspace the owner of the result
     * @param text [L, D]
     */
    Tensor values(Workspace workspace, Tensor text) {
        return value.apply(workspace, text, precision); // [L, D]
    }

    /**
     * Computes x += attention(LN(x) * weight + bias, text), a chunk of tokens at a time.
     *
     * @param x [N, D], F32
     * @param text keys and values, [L, D]
     * @param taps receives "attn2"
     */
    void addTo(Tensor x, TextKeys text, Taps taps) {
        TokenChunks.forEach(backend, x, taps, "attn2", (workspace, chunk, chunkTaps) -> {
            Tensor u = workspace.allocate(precision, chunk.shape()); // [n, D]
            backend.modulatedLayerNorm(chunk, normShift, normScale, config.epsilon(), u);
            Tensor q = query.apply(workspace, u, precision); // [n, D]
            backend.rmsNorm(q, queryNorm, config.epsilon(), false, q);
            Tensor mixed = u; // The input is used up.
            backend.attention(heads(q), heads(text.keys()), heads(text.values()), text.weights(), mixed);
            projection.apply(mixed, Epilogue.ADD, chunk, chunkTaps, "attn2"); // [n, D]
        });
    }

    private Heads heads(Tensor matrix) {
        return new Heads(matrix, 0, config.heads(), config.headDim());
    }
}
