package io.lingen.wan.internal.vae;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Heads;

/** Attention with one head among the cells of each frame. Thread-safe. */
final class FrameAttention {
    private final int width;
    private final ChannelNorm norm;
    private final Linear qkv; // C -> q, k, v
    private final Linear projection; // C -> C

    FrameAttention(ModelWeights weights, int width) {
        this.width = width;
        this.norm = ChannelNorm.ofImage(weights.under("norm"), width);
        this.qkv = PointwiseConvolution.ofImage(weights.under("to_qkv"), width, 3 * width);
        this.projection = PointwiseConvolution.ofImage(weights.under("proj"), width, width);
    }

    /** Computes x += proj(attention(norm(x))) for x [T, H, W, C]. */
    void apply(Tensor x, CausalClip clip) {
        Backend backend = clip.backend();
        Shape shape = x.shape();
        long frames = shape.length(0);
        long cells = shape.length(1) * shape.length(2);
        Tensor y = clip.allocate(Shape.of(frames * cells, width));
        norm.apply(x.reshape(y.shape()), y, backend); // [T*H*W, C]
        Tensor projected = clip.allocate(Shape.of(frames * cells, 3L * width));
        qkv.apply(y, Epilogue.NONE, projected); // [T*H*W, 3C]
        for (long t = 0; t < frames; t++) {
            Tensor frame = projected.slice(t * cells, (t + 1) * cells); // [H*W, 3C]
            Tensor out = y.slice(t * cells, (t + 1) * cells); // reuses the memory of the norm
            backend.attention(head(frame, 0), head(frame, 1), head(frame, 2), null, out);
        }
        projection.apply(y, Epilogue.ADD, x); // [T, H, W, C]
        clip.free(projected);
        clip.free(y);
    }

    /** {@return the queries (0), keys (1) or values (2)} */
    private Heads head(Tensor projected, int part) {
        return new Heads(projected, (long) part * width, 1, width);
    }
}
