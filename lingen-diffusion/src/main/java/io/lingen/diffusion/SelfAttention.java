package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.mate.TokenMixer;

/** The token mixer of the DiT baseline: full attention over all tokens, quadratic in their number. */
final class SelfAttention implements TokenMixer {
    private final Backend backend;
    private final DType precision;
    private final int heads;
    private final int headDim;
    private final Linear qkv; // d -> q, k, v
    private final Linear projection; // d -> d

    SelfAttention(ModelWeights weights, TransformerConfig config) {
        int d = config.hiddenSize();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.heads = config.heads();
        this.headDim = config.headDim();
        this.qkv = weights.linear("qkv", d, 3L * d);
        this.projection = weights.linear("proj", d, d);
    }

    @Override
    public long leadingRows(Grid grid) {
        return 0;
    }

    @Override
    public void addTo(Tensor residual, Tensor gate, Tensor sequence, Grid grid, Taps taps) {
        long d = sequence.shape().last();
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor projected = qkv.apply(workspace, sequence, precision); // [N, 3d]
            Tensor mixed = workspace.allocate(precision, sequence.shape()); // [N, d]
            backend.attention(
                    new Heads(projected, 0, heads, headDim),
                    new Heads(projected, d, heads, headDim),
                    new Heads(projected, 2 * d, heads, headDim),
                    null,
                    mixed);
            projection.apply(mixed, Epilogue.gatedAdd(gate), residual, taps, "attn"); // [N, d]
        }
    }
}
