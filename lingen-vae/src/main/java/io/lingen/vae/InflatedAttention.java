package io.lingen.vae;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.vae.internal.Activations;
import org.jspecify.annotations.Nullable;

/**
 * Image attention inflated to videos: attention over the cells of each frame, followed by attention over the frames of each cell. Each has
 * its own weights and is added to its input (specification, section 6). The attention of an image decoder has no temporal half. Thread-safe.
 */
final class InflatedAttention {
    private final AxisAttention spatial;
    private final @Nullable AxisAttention temporal;

    InflatedAttention(ModelWeights weights, AutoencoderConfig config, int width) {
        int heads = config.attentionHeads();
        if (config.layout() == DecoderLayout.INFLATED) {
            this.spatial = AxisAttention.inflated(weights.under("spatial"), config, heads, width);
            this.temporal = AxisAttention.inflated(weights.under("temporal"), config, heads, width);
        } else {
            String projection = weights.has("proj_attn.weight") ? "proj_attn" : "to_out.0";
            this.spatial = new AxisAttention(
                    heads,
                    new FrameNorm(weights.under("group_norm"), config, width),
                    DecoderLayout.queriesKeysValues(weights, width),
                    weights.linear(projection, width, width));
            this.temporal = null;
        }
    }

    /** Adds the attentions to x [T, H, W, C], in place. */
    void apply(Tensor x, Activations pass) {
        Shape shape = x.shape();
        Grid grid = new Grid((int) shape.length(0), (int) shape.length(1), (int) shape.length(2));
        spatial.apply(x, grid, false, pass);
        if (temporal != null) {
            temporal.apply(x, grid, true, pass);
        }
    }

    /** Computes x += proj(attention(norm(x))) along the axes of a frame or along time. */
    private static final class AxisAttention {
        private final int heads;
        private final FrameNorm norm;
        private final Linear qkv; // C -> q, k, v
        private final Linear projection; // C -> C

        AxisAttention(int heads, FrameNorm norm, Linear qkv, Linear projection) {
            this.heads = heads;
            this.norm = norm;
            this.qkv = qkv;
            this.projection = projection;
        }

        static AxisAttention inflated(ModelWeights weights, AutoencoderConfig config, int heads, int width) {
            return new AxisAttention(
                    heads,
                    new FrameNorm(weights.under("norm"), config, width),
                    weights.linear("qkv", width, 3L * width),
                    weights.linear("proj", width, width));
        }

        void apply(Tensor x, Grid grid, boolean overTime, Activations pass) {
            Backend backend = pass.backend();
            long width = x.shape().last();
            Tensor u = pass.allocate(x.shape());
            norm.apply(x, u, backend); // [T, H, W, C]
            Tensor projected = pass.allocate(Shape.of(grid.cells(), 3 * width));
            qkv.apply(u, Epilogue.NONE, projected); // [T*H*W, 3C]
            Tensor y = u.reshape(Shape.of(grid.cells(), width)); // reuses the memory of the norm
            if (overTime) {
                Windows columns = new Windows(new Dims3(grid.t(), 1, 1), false);
                backend.windowAttention(
                        heads(projected, 0), heads(projected, 1), heads(projected, 2), grid, columns, null, y);
            } else {
                // Use full attention per frame, since window kernels are tuned for a few hundred cells and a frame has
                // thousands.
                long cells = grid.stride(0);
                for (int t = 0; t < grid.t(); t++) {
                    Tensor frame = projected.slice(t * cells, (t + 1) * cells); // [H*W, 3C]
                    Tensor out = y.slice(t * cells, (t + 1) * cells);
                    backend.attention(heads(frame, 0), heads(frame, 1), heads(frame, 2), null, out);
                }
            }
            projection.apply(y, Epilogue.ADD, x); // [T, H, W, C]
            pass.free(projected);
            pass.free(u);
        }

        /** {@return the queries (0), keys (1) or values (2)} */
        private Heads heads(Tensor projected, int part) {
            int width = (int) (projected.shape().last() / 3);
            return new Heads(projected, (long) part * width, heads, width / heads);
        }
    }
}
