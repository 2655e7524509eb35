package io.lingen.wan.internal.vae;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.wan.internal.vae.CausalClip.Window;
import org.jspecify.annotations.Nullable;

/** A residual block: two normed causal convolutions and a shortcut, which is a linear map where the width changes. Thread-safe. */
final class CausalResidualBlock {
    private final ChannelNorm norm1;
    private final CausalConvolution conv1;
    private final ChannelNorm norm2;
    private final CausalConvolution conv2;
    private final @Nullable Linear shortcut; // in -> out

    CausalResidualBlock(ModelWeights weights, int in, int out) {
        this.norm1 = ChannelNorm.ofVideo(weights.under("norm1"), in);
        this.conv1 = new CausalConvolution(weights.under("conv1"), in, out);
        this.norm2 = ChannelNorm.ofVideo(weights.under("norm2"), out);
        this.conv2 = new CausalConvolution(weights.under("conv2"), out, out);
        this.shortcut = in == out ? null : PointwiseConvolution.ofVideo(weights.under("conv_shortcut"), in, out);
    }

    /** Frees x [T, H, W, in] and returns [T, H, W, out]. */
    Tensor apply(Tensor x, CausalClip clip) {
        Backend backend = clip.backend();
        Window first = conv1.input(x.shape(), clip);
        norm1.applyWithSilu(x, first.frames(), backend); // [T, H, W, in]
        Tensor h = conv1.apply(first, clip); // [T, H, W, out]
        Window second = conv2.input(h.shape(), clip);
        norm2.applyWithSilu(h, second.frames(), backend); // [T, H, W, out]
        clip.free(h);
        h = conv2.apply(second, clip); // [T, H, W, out]
        if (shortcut == null) {
            backend.add(x, h, h);
        } else {
            shortcut.apply(x, Epilogue.ADD, h);
        }
        clip.free(x);
        return h;
    }
}
