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
import io.lingen.core.op.Rotation;
import io.lingen.diffusion.internal.transformer.Modulation;
import java.util.List;

/**
 * Linear attention over all tokens: ReLU is the feature map, and rotary positions turn the numerator but not the denominator. Queries and keys
 * have an RMS norm over the whole width.
 */
final class SanaSelfAttention {
    /** Added to the mean square by the norms of queries and keys, whatever the configuration. */
    static final float NORM_EPSILON = 1e-5f;

    private final Backend backend;
    private final DType precision;
    private final SanaTransformerConfig config;
    private final Linear query; // D -> D
    private final Linear key; // D -> D
    private final Linear value; // D -> D
    private final Linear projection; // D -> D
    private final Tensor queryNorm; // [D]
    private final Tensor keyNorm; // [D]

    SanaSelfAttention(ModelWeights weights, SanaTransformerConfig config) {
        int d = config.width();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.config = config;
        this.query = weights.linearWithoutBias("to_q", d, d);
        this.key = weights.linearWithoutBias("to_k", d, d);
        this.value = weights.linearWithoutBias("to_v", d, d);
        this.queryNorm = weights.vector("norm_q.weight", d);
        this.keyNorm = weights.vector("norm_k.weight", d);
        this.projection = weights.linear("to_out.0", d, d);
    }

    /**
     * Computes x += gate * attention(LN(x) * (1 + scale) + shift).
     *
     * @param x [N, D], F32
     * @param modulations shift, scale and gate of all tokens are their vectors 0 to 2
     * @param taps receives "attn1.q" and "attn1.k" after their norm, and "attn1", the sum before the gate
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
            backend.rmsNorm(q, queryNorm, NORM_EPSILON, false, q);
            backend.rmsNorm(k, keyNorm, NORM_EPSILON, false, k);
            taps.accept("attn1.q", q);
            taps.accept("attn1.k", k);
            Tensor mixed = u; // The input is used up.
            backend.linearAttention(heads(q), heads(k), heads(v), rotation, mixed);
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
