package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.diffusion.internal.TokenChunks;

/**
 * The feed-forward network: a linear layer from d to ffn_ratio d, GELU (tanh), and a linear layer back, both with bias (specification,
 * section 2).
 */
final class FeedForward {
    private final Backend backend;
    private final DType precision;
    private final Linear fc1; // d -> f
    private final Linear fc2; // f -> d

    FeedForward(ModelWeights weights, TransformerConfig config) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.fc1 = weights.linear("fc1", config.hiddenSize(), config.ffnSize());
        this.fc2 = weights.linear("fc2", config.ffnSize(), config.hiddenSize());
    }

    /**
     * Computes x += gate * FFN(LN(x) * (1 + scale) + shift), a chunk of tokens at a time.
     *
     * @param x [N, d], F32
     */
    void addTo(Tensor x, Tensor shift, Tensor scale, Tensor gate, Taps taps) {
        TokenChunks.forEach(backend, x, taps, "ffn", (workspace, chunk, chunkTaps) -> {
            Tensor normed = workspace.allocate(precision, chunk.shape()); // [n, d]
            backend.modulatedLayerNorm(chunk, shift, scale, TransformerBlock.NORM_EPSILON, normed);
            Tensor hidden = workspace.allocate(precision, chunk.shape().length(0), fc1.outFeatures()); // [n, f]
            fc1.apply(normed, Epilogue.GELU, hidden);
            fc2.apply(hidden, Epilogue.gatedAdd(gate), chunk, chunkTaps, "ffn"); // [n, d]
        });
    }
}
