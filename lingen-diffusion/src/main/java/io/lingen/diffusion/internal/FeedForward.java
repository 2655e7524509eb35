package io.lingen.diffusion.internal;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.op.Epilogue;

/**
 * The feed-forward network: a linear layer from d to f, GELU (tanh), and a linear layer back, both with bias (specification, section 2).
 * Thread-safe.
 */
public final class FeedForward {
    private final Backend backend;
    private final DType precision;
    private final float epsilon;
    private final Linear fc1; // d -> f
    private final Linear fc2; // f -> d

    /**
     * Joins the two layers.
     *
     * @param backend the backend of the layers
     * @param precision the type of activations, F32 or BF16
     * @param epsilon the number added to the variance of the norm
     * @param fc1 from d to f
     * @param fc2 from f to d
     */
    public FeedForward(Backend backend, DType precision, float epsilon, Linear fc1, Linear fc2) {
        this.backend = backend;
        this.precision = precision;
        this.epsilon = epsilon;
        this.fc1 = fc1;
        this.fc2 = fc2;
    }

    /**
     * Computes x += gate * FFN(LN(x) * (1 + scale) + shift), a chunk of tokens at a time.
     *
     * @param x [N, d], F32
     * @param shift [d]
     * @param scale [d]
     * @param gate [d]
     * @param taps receives FFN's output [N, d], before the gate
     * @param name the name of that tap
     */
    public void addTo(Tensor x, Tensor shift, Tensor scale, Tensor gate, Taps taps, String name) {
        TokenChunks.forEach(backend, x, taps, name, (workspace, chunk, chunkTaps) -> {
            Tensor normed = workspace.allocate(precision, chunk.shape()); // [n, d]
            backend.modulatedLayerNorm(chunk, shift, scale, epsilon, normed);
            Tensor hidden = workspace.allocate(precision, chunk.shape().length(0), fc1.outFeatures()); // [n, f]
            fc1.apply(normed, Epilogue.GELU, hidden);
            fc2.apply(hidden, Epilogue.gatedAdd(gate), chunk, chunkTaps, name); // [n, d]
        });
    }
}
