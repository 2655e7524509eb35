package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Rotation;
import io.lingen.diffusion.internal.transformer.Modulation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Full attention over all tokens, with an RMS norm of queries and keys over the whole width, and rotary positions. Models that were trained
 * with gated sparse attention have a {@link TileAttention} in addition.
 */
final class WanSelfAttention {
    private final Backend backend;
    private final DType precision;
    private final WanTransformerConfig config;
    private final Linear query; // D -> D
    private final Linear key; // D -> D
    private final Linear value; // D -> D
    private final Linear projection; // D -> D
    private final Tensor queryNorm; // [D]
    private final Tensor keyNorm; // [D]
    private final @Nullable TileAttention tiles;

    /** @param gated whether there is a {@link TileAttention} */
    WanSelfAttention(ModelWeights weights, WanTransformerConfig config, boolean gated) {
        int d = config.width();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.config = config;
        this.query = weights.linear("to_q", d, d);
        this.key = weights.linear("to_k", d, d);
        this.value = weights.linear("to_v", d, d);
        this.queryNorm = weights.vector("norm_q.weight", d);
        this.keyNorm = weights.vector("norm_k.weight", d);
        this.projection = weights.linear("to_out.0", d, d);
        this.tiles = gated ? new TileAttention(weights, config) : null;
    }

    /**
     * Computes x += gate * attention(LN(x) * (1 + scale) + shift).
     *
     * @param x [N, D], F32
     * @param modulations shift, scale and gate, in this order, of all tokens
     * @param taps receives "attn1.q" and "attn1.k" before the rotation, and "attn1", the sum before the gate
     */
    void addTo(Tensor x, Rotation rotation, List<Modulation> modulations, Taps taps) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor u = workspace.allocate(precision, x.shape()); // [N, D]
            for (Modulation m : modulations) {
                backend.modulatedLayerNorm(m.rowsOf(x), m.vector(0), m.vector(1), config.epsilon(), m.rowsOf(u));
            }
            Tensor q = query.apply(workspace, u, precision); // [N, D]
            Tensor k = key.apply(workspace, u, precision); // [N, D]
            Tensor v = value.apply(workspace, u, precision); // [N, D]
            backend.rmsNorm(q, queryNorm, config.epsilon(), false, q);
            backend.rmsNorm(k, keyNorm, config.epsilon(), false, k);
            taps.accept("attn1.q", q);
            taps.accept("attn1.k", k);
            backend.rotate(heads(q), rotation);
            backend.rotate(heads(k), rotation);
            Tensor coarse =
                    tiles == null ? null : tiles.forward(workspace, u, heads(q), heads(k), heads(v), rotation.grid());
            Tensor mixed = u; // The input is used up.
            backend.attention(heads(q), heads(k), heads(v), null, mixed);
            if (coarse != null) {
                backend.add(mixed, coarse, mixed);
            }
            for (Modulation m : modulations) {
                Epilogue epilogue = Epilogue.gatedAdd(m.vector(2));
                projection.apply(m.rowsOf(mixed), epilogue, m.rowsOf(x), taps, "attn1"); // [N, D]
            }
        }
    }

    private Heads heads(Tensor matrix) {
        return new Heads(matrix, 0, config.heads(), config.headDim());
    }
}
