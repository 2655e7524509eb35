package io.lingen.diffusion;

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
import org.jspecify.annotations.Nullable;

/** Attention from video tokens to text tokens, without a norm or modulation (specification, section 2). */
final class CrossAttention {
    private final Backend backend;
    private final DType precision;
    private final int heads;
    private final int headDim;
    private final Linear query; // d -> d
    private final Linear keyValue; // d -> k, v
    private final Linear projection; // d -> d

    CrossAttention(ModelWeights weights, TransformerConfig config) {
        int d = config.hiddenSize();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.heads = config.heads();
        this.headDim = config.headDim();
        this.query = weights.linear("q", d, d);
        this.keyValue = weights.linear("kv", d, 2L * d);
        this.projection = weights.linear("proj", d, d);
    }

    /** {@return the keys and values [L, 2d] of the text [L, d], constant over all steps} */
    Tensor keysAndValues(Workspace workspace, Tensor text) {
        return keyValue.apply(workspace, text, precision);
    }

    /**
     * Computes x += attention(x, text), a chunk of tokens at a time.
     *
     * @param x [N, d], F32
     * @param keysAndValues [L, 2d]
     * @param weights {@link TextEmbedding#weights} [L], or null for 1 each
     */
    void addTo(Tensor x, Tensor keysAndValues, @Nullable Tensor weights, Taps taps) {
        long d = (long) heads * headDim;
        Heads k = new Heads(keysAndValues, 0, heads, headDim);
        Heads v = new Heads(keysAndValues, d, heads, headDim);
        TokenChunks.forEach(backend, x, taps, "cross", (workspace, chunk, chunkTaps) -> {
            Tensor q = query.apply(workspace, chunk, precision); // [n, d]
            Tensor mixed = workspace.allocate(precision, q.shape()); // [n, d]
            backend.attention(new Heads(q, 0, heads, headDim), k, v, weights, mixed);
            projection.apply(mixed, Epilogue.ADD, chunk, chunkTaps, "cross"); // [n, d]
        });
    }
}
