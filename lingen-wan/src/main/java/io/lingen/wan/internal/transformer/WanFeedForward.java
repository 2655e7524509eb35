package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.diffusion.internal.TokenChunks;

/** The feed-forward network: a linear layer, GELU (tanh), and a linear layer back. */
final class WanFeedForward {
    private final Backend backend;
    private final DType precision;
    private final float epsilon;
    private final Linear fc1; // D -> f
    private final Linear fc2; // f -> D

    WanFeedForward(ModelWeights weights, WanTransformerConfig config) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.epsilon = config.epsilon();
        this.fc1 = weights.linear("net.0.proj", config.width(), config.ffnSize());
        this.fc2 = weights.linear("net.2", config.ffnSize(), config.width());
    }

    /**
     * Computes x += gate * FFN(LN(x) * (1 + scale) + shift), a chunk of tokens at a time.
     *
     * @param x [N, D], F32
     * @param shift [D]
     * @param scale [D]
     * @param gate [D]
     * @param taps receives "ffn", the sum before the gate
     */
    void addTo(Tensor x, Tensor shift, Tensor scale, Tensor gate, Taps taps) {
        TokenChunks.forEach(backend, x, taps, "ffn", (workspace, chunk, chunkTaps) -> {
            Tensor u = workspace.allocate(precision, chunk.shape()); // [n, D]
            backend.modulatedLayerNorm(chunk, shift, scale, epsilon, u);
            Tensor hidden = workspace.allocate(precision, chunk.shape().length(0), fc1.outFeatures()); // [n, f]
            fc1.apply(u, Epilogue.GELU, hidden);
            fc2.apply(hidden, Epilogue.gatedAdd(gate), chunk, chunkTaps, "ffn"); // [n, D]
        });
    }
}
