package io.lingen.diffusion.internal;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Heads;
import org.jspecify.annotations.Nullable;

/** Attention from video tokens to text tokens, without a norm or modulation (specification, section 2). Thread-safe. */
public final class CrossAttention {
    private final Backend backend;
    private final DType precision;
    private final int heads;
    private final Linear query; // d -> d
    private final Linear keyValue; // d -> k, v
    private final Linear projection; // d -> d

    /**
     * Joins the three layers.
     *
     * @param backend the backend of the layers
     * @param precision the type of activations, F32 or BF16
     * @param heads the number of heads, a divisor of d
     * @param query from d to d
     * @param keyValue from d to the keys, followed by the values
     * @param projection from d to d
     */
    public CrossAttention(
            Backend backend, DType precision, int heads, Linear query, Linear keyValue, Linear projection) {
        this.backend = backend;
        this.precision = precision;
        this.heads = heads;
        this.query = query;
        this.keyValue = keyValue;
        this.projection = projection;
    }

    /**
     * {@return the keys and values [L, 2d] of the text, constant over all steps}
     *
     * @param workspace the owner of the result
     * @param text [L, d]
     */
    public Tensor keysAndValues(Workspace workspace, Tensor text) {
        return keyValue.apply(workspace, text, precision);
    }

    /**
     * Computes x += attention(x, text), a chunk of tokens at a time.
     *
     * @param x [N, d], F32
     * @param keysAndValues [L, 2d]
     * @param weights the number of equal tokens that each text token stands for [L], or null for 1 each
     * @param taps receives the output of the projection [N, d]
     * @param name the name of that tap
     */
    public void addTo(Tensor x, Tensor keysAndValues, @Nullable Tensor weights, Taps taps, String name) {
        long d = query.outFeatures();
        Heads k = heads(keysAndValues, 0);
        Heads v = heads(keysAndValues, d);
        TokenChunks.forEach(backend, x, taps, name, (workspace, chunk, chunkTaps) -> {
            Tensor q = query.apply(workspace, chunk, precision); // [n, d]
            Tensor mixed = workspace.allocate(precision, q.shape()); // [n, d]
            backend.attention(heads(q, 0), k, v, weights, mixed);
            projection.apply(mixed, Epilogue.ADD, chunk, chunkTaps, name); // [n, d]
        });
    }

    private Heads heads(Tensor matrix, long column) {
        return new Heads(matrix, column, heads, (int) (query.outFeatures() / heads));
    }
}
