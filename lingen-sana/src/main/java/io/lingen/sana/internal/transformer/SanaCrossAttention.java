package io.lingen.sana.internal.transformer;

import io.lingen.core.DType;
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

/** Attention from video tokens to text rows: an RMS norm of queries and keys over the whole width E; no norm before it, and no gate. */
final class SanaCrossAttention {
    private final Backend backend;
    private final DType precision;
    private final SanaTransformerConfig config;
    private final Linear query; // D -> E
    private final Linear key; // D -> E
    private final Linear value; // D -> E
    private final Linear projection; // E -> D
    private final Tensor queryNorm; // [E]
    private final Tensor keyNorm; // [E]

    SanaCrossAttention(ModelWeights weights, SanaTransformerConfig config) {
        int d = config.width();
        int e = config.crossWidth();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.config = config;
        this.query = weights.linear("to_q", d, e);
        this.key = weights.linear("to_k", d, e);
        this.value = weights.linear("to_v", d, e);
        this.queryNorm = weights.vector("norm_q.weight", e);
        this.keyNorm = weights.vector("norm_k.weight", e);
        this.projection = weights.linear("to_out.0", e, d);
    }

    /**
     * {@return the normalized keys of a text, [L, E]}
     *
     * @param workspace the owner of the result
     * @param text [L, D]
     */
    Tensor keys(Workspace workspace, Tensor text) {
        Tensor keys = key.apply(workspace, text, precision); // [L, E]
        backend.rmsNorm(keys, keyNorm, SanaSelfAttention.NORM_EPSILON, false, keys);
        return keys;
    }

    /**
     * {@return the values of a text, [L, E]}
     *
     * @param workspace the owner of the result
     * @param text [L, D]
     */
    Tensor values(Workspace workspace, Tensor text) {
        return value.apply(workspace, text, precision); // [L, E]
    }

    /**
     * Computes x += attention(x, text), a chunk of tokens at a time.
     *
     * @param x [N, D], F32
     * @param text keys and values, [L, E]; rows of weight 0 are masked
     * @param taps receives "attn2"
     */
    void addTo(Tensor x, TextKeys text, Taps taps) {
        TokenChunks.forEach(backend, x, taps, "attn2", (workspace, chunk, chunkTaps) -> {
            Tensor q = query.apply(workspace, chunk, precision); // [n, E]
            backend.rmsNorm(q, queryNorm, SanaSelfAttention.NORM_EPSILON, false, q);
            Tensor mixed = workspace.allocate(precision, q.shape()); // [n, E]
            backend.attention(heads(q), heads(text.keys()), heads(text.values()), text.weights(), mixed);
            projection.apply(mixed, Epilogue.ADD, chunk, chunkTaps, "attn2"); // [n, D]
        });
    }

    private Heads heads(Tensor matrix) {
        return new Heads(matrix, 0, config.crossHeads(), config.crossHeadDim());
    }
}
