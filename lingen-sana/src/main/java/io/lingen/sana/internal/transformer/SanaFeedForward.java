package io.lingen.sana.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.diffusion.internal.transformer.Modulation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The feed-forward network, which mixes neighboring tokens: a linear layer to 2M channels, a gated depthwise convolution over each frame, a
 * linear layer back, and a convolution over three frames that is added to its input.
 *
 * <p>All but the last convolution is done for a few frames at a time, because the 2M channels of all tokens would be the largest tensor of the
 * model.
 */
final class SanaFeedForward {
    private final Backend backend;
    private final DType precision;
    private final float epsilon;
    private final Linear inverted; // D -> 2M
    private final Tensor depthwiseWeight; // [2M, 3, 3]
    private final Tensor depthwiseBias; // [2M]
    private final Linear point; // M -> D
    private final Linear frameBefore; // D -> D
    private final Linear frame; // D -> D, the identity included
    private final Linear frameAfter; // D -> D

    SanaFeedForward(ModelWeights weights, SanaTransformerConfig config) {
        int d = config.width();
        int m = config.ffnSize();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.epsilon = config.epsilon();
        this.inverted = weights.linear(
                weights.host("conv_inverted.weight", 2L * m, d, 1, 1).reshape(2L * m, d),
                weights.host("conv_inverted.bias", 2L * m));
        this.depthwiseWeight =
                weights.tensor("conv_depth.weight", 2L * m, 1, 3, 3).reshape(Shape.of(2L * m, 3, 3));
        this.depthwiseBias = weights.vector("conv_depth.bias", 2L * m);
        this.point =
                weights.linear(weights.host("conv_point.weight", d, m, 1, 1).reshape(d, m), null);
        HostTensor kernel = weights.host("conv_temp.weight", d, d, 3, 1);
        List<Linear> temporal = temporalTaps(weights, kernel);
        this.frameBefore = temporal.get(0);
        this.frame = temporal.get(1);
        this.frameAfter = temporal.get(2);
    }

    /**
     * Packs the matrices of the taps of the convolution over frames. The input of the convolution is added to its output, so the middle matrix
     * contains the identity.
     *
     * @param kernel [D, D, 3, 1]
     */
    private List<Linear> temporalTaps(ModelWeights weights, HostTensor kernel) {
        long d = kernel.shape().length(0);
        List<Linear> taps = new ArrayList<>();
        for (int tap = 0; tap < 3; tap++) {
            if (!backend.computes()) {
                taps.add(weights.linear(kernel.reshape(3 * d, d).slice(tap * d, (tap + 1) * d), null));
                continue;
            }
            // Outside the Java heap, which would grow and keep its size.
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment matrix = arena.allocate(d * d * Float.BYTES, Float.BYTES);
                for (long i = 0; i < d * d; i++) {
                    float identity = tap == 1 && i % (d + 1) == 0 ? 1 : 0;
                    matrix.setAtIndex(ValueLayout.JAVA_FLOAT, i, kernel.get(3 * i + tap) + identity);
                }
                taps.add(weights.linear(new HostTensor(DType.F32, Shape.of(d, d), matrix), null));
            }
        }
        kernel.unload();
        return taps;
    }

    /**
     * Computes x += gate * FFN(LN(x) * (1 + scale) + shift).
     *
     * @param x [N, D], F32
     * @param grid the grid of the N tokens
     * @param modulations shift, scale and gate of all tokens are their vectors 3 to 5
     * @param taps receives "ff.conv_point" [T, D, H, W] and "ff" [N, D], the sum before the gate
     */
    void addTo(Tensor x, Grid grid, List<Modulation> modulations, Taps taps) {
        long cells = grid.stride(0);
        int chunk = (int) Math.max(1, Math.min(grid.t(), backend.tokensPerChunk() / cells));
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor y = workspace.allocate(precision, x.shape()); // [N, D]
            for (int from = 0; from < grid.t(); from += chunk) {
                int to = Math.min(grid.t(), from + chunk);
                mixFrames(x, new Grid(to - from, grid.h(), grid.w()), from * cells, modulations, y);
            }
            if (taps != Taps.NONE) {
                tap(y, grid, taps);
            }
            for (Modulation m : modulations) {
                Epilogue gated = Epilogue.gatedAdd(m.vector(5));
                addNeighbors(y, cells, m.from(), m.to(), gated, gated, x);
            }
        }
    }

    /**
     * Computes the part of the network that mixes no frames: y = point(gated convolution(inverted(LN(x) * (1 + scale) + shift))).
     *
     * @param x [N, D]
     * @param frames the grid of the tokens to compute, a few whole frames
     * @param first the first of these tokens
     * @param y [N, D], of which the rows of these tokens are overwritten
     */
    private void mixFrames(Tensor x, Grid frames, long first, List<Modulation> modulations, Tensor y) {
        long last = first + frames.cells();
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor u = workspace.allocate(precision, frames.cells(), x.shape().last()); // [n, D]
            for (Modulation m : modulations) {
                long from = Math.max(first, m.from());
                long to = Math.min(last, m.to());
                if (from < to) {
                    backend.modulatedLayerNorm(
                            x.slice(from, to), m.vector(3), m.vector(4), epsilon, u.slice(from - first, to - first));
                }
            }
            Tensor hidden = inverted.apply(workspace, u, precision); // [n, 2M]
            Tensor gated = workspace.allocate(precision, frames.cells(), point.inFeatures()); // [n, M]
            backend.gatedDepthwiseConvolution(hidden, frames, depthwiseWeight, depthwiseBias, gated);
            point.apply(gated, Epilogue.NONE, y.slice(first, last)); // [n, D]
        }
    }

    /**
     * Computes the convolution over frames, with zeros beyond the ends, plus its input.
     *
     * @param y [N, D]
     * @param cells the number of tokens of a frame
     * @param from the first token to compute
     * @param to the token after the last one
     * @param first how the products of a frame with itself reach the output
     * @param others how the products with its neighbors reach the output
     * @param out [N, D]
     */
    private void addNeighbors(Tensor y, long cells, long from, long to, Epilogue first, Epilogue others, Tensor out) {
        frame.apply(y.slice(from, to), first, out.slice(from, to));
        long start = Math.max(from, cells);
        if (start < to) {
            frameBefore.apply(y.slice(start - cells, to - cells), others, out.slice(start, to));
        }
        long end = Math.min(to, y.shape().length(0) - cells);
        if (from < end) {
            frameAfter.apply(y.slice(from + cells, end + cells), others, out.slice(from, end));
        }
    }

    private void tap(Tensor y, Grid grid, Taps taps) {
        long cells = grid.stride(0);
        long d = y.shape().last();
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor planes = workspace.allocate(DType.F32, grid.t(), d, grid.h(), grid.w());
            for (int t = 0; t < grid.t(); t++) {
                Tensor plane = planes.slice(t, t + 1L).reshape(Shape.of(d, 1, grid.h(), grid.w()));
                backend.unpatchify(y.slice(t * cells, (t + 1) * cells), PatchSize.ONE, plane);
            }
            taps.accept("ff.conv_point", planes);
            Tensor sum = workspace.allocate(DType.F32, y.shape()); // [N, D]
            addNeighbors(y, cells, 0, grid.cells(), Epilogue.NONE, Epilogue.ADD, sum);
            taps.accept("ff", sum);
        }
    }
}
