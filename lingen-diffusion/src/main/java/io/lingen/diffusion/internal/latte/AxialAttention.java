package io.lingen.diffusion.internal.latte;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.diffusion.internal.latte.LatteConfig.Axis;
import java.util.ArrayList;
import java.util.List;

/**
 * Self-attention inside each frame, over the frames of each place, or with each half of the heads along another axis. Tokens are read in
 * place: an axis is a window of the grid.
 */
final class AxialAttention {
    private final Backend backend;
    private final DType precision;
    private final int headDim;
    private final Linear qkv; // d -> q, k, v
    private final List<Part> parts = new ArrayList<>();

    /**
     * The heads of one axis.
     *
     * @param first the first head
     * @param count the number of heads
     * @param projection from the width of the heads to d; the first part has the bias
     */
    private record Part(Axis axis, int first, int count, Linear projection) {}

    /**
     * Loads an attention.
     *
     * @param weights of the attention
     * @param qkv packed by {@link LatteNames}
     * @param projection the name of the output projection
     * @param axes the axes, each with an equal share of the heads
     */
    AxialAttention(ModelWeights weights, LatteConfig config, Linear qkv, String projection, List<Axis> axes) {
        int d = config.hiddenSize();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.headDim = d / config.heads();
        this.qkv = qkv;
        if (axes.size() == 1) {
            parts.add(new Part(axes.get(0), 0, config.heads(), weights.linear(projection, d, d)));
            return;
        }
        HostTensor matrix = weights.host(projection + ".weight", d, d);
        HostTensor bias = weights.host(projection + ".bias", d);
        int count = config.heads() / axes.size();
        int width = count * headDim;
        for (int i = 0; i < axes.size(); i++) {
            HostTensor columns = HostMatrices.columns(weights, matrix, i * width, (i + 1) * width);
            parts.add(new Part(axes.get(i), i * count, count, weights.linear(columns, i == 0 ? bias : null)));
        }
    }

    /**
     * Computes x += gate * attention(LN(x) * (1 + scale) + shift).
     *
     * @param x [N, d], F32
     * @param shift [d]
     * @param scale [d]
     * @param gate [d]
     * @param taps receives the output of the projection [N, d] before the gate, if all heads have one axis
     * @param name the name of that tap
     */
    void addTo(Tensor x, Grid grid, Tensor shift, Tensor scale, Tensor gate, Taps taps, String name) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor u = workspace.allocate(precision, x.shape()); // [N, d]
            backend.modulatedLayerNorm(x, shift, scale, LatteBlock.NORM_EPSILON, u);
            Tensor projected = qkv.apply(workspace, u, precision); // [N, 3d]
            boolean isWhole = parts.size() == 1;
            for (Part part : parts) {
                // The input is used up.
                Tensor mixed = isWhole
                        ? u
                        : workspace.allocate(precision, grid.cells(), (long) part.count() * headDim); // [N, heads]
                backend.windowAttention(
                        heads(projected, 0, part),
                        heads(projected, 1, part),
                        heads(projected, 2, part),
                        grid,
                        new Windows(window(part.axis(), grid), false),
                        null,
                        mixed);
                part.projection().apply(mixed, Epilogue.gatedAdd(gate), x, isWhole ? taps : Taps.NONE, name);
            }
        }
    }

    private static Dims3 window(Axis axis, Grid grid) {
        return axis == Axis.SPACE ? new Dims3(1, grid.h(), grid.w()) : new Dims3(grid.t(), 1, 1);
    }

    /** {@return the queries (0), keys (1) or values (2) of a part's heads} */
    private Heads heads(Tensor projected, int third, Part part) {
        long d = projected.shape().last() / 3;
        return new Heads(projected, third * d + (long) part.first() * headDim, part.count(), headDim);
    }
}
