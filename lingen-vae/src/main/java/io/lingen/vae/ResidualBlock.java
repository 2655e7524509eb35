package io.lingen.vae;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.vae.internal.Activations;
import org.jspecify.annotations.Nullable;

/**
 * A residual block: two normed convolutions and a shortcut, which is a linear map where the width changes. A temporal half may follow.
 * Thread-safe.
 */
final class ResidualBlock {
    private final int outWidth;
    private final FrameNorm norm1;
    private final InflatedConvolution conv1;
    private final FrameNorm norm2;
    private final InflatedConvolution conv2;
    private final @Nullable Linear shortcut; // in -> out
    private final @Nullable TemporalBlock temporal;

    ResidualBlock(ModelWeights weights, AutoencoderConfig config, int in, int out) {
        DecoderLayout layout = config.layout();
        ModelWeights spatial = layout.spatialHalf(weights);
        this.outWidth = out;
        this.norm1 = new FrameNorm(spatial.under("norm1"), config, in);
        this.conv1 = layout.convolution(spatial.under("conv1"), in, out);
        this.norm2 = new FrameNorm(spatial.under("norm2"), config, out);
        this.conv2 = layout.convolution(spatial.under("conv2"), out, out);
        this.shortcut = in == out ? null : layout.shortcut(spatial, in, out);
        this.temporal = layout.temporalHalf(weights, config, out);
    }

    /** Frees x [T, H, W, in] and returns [T, H, W, out]. */
    Tensor apply(Tensor x, Activations pass) {
        Backend backend = pass.backend();
        Tensor skip = x;
        Tensor h = x; // overwritten if the shortcut has its own tensor
        if (shortcut == null) {
            h = pass.allocate(x.shape());
        } else {
            Shape in = x.shape();
            skip = pass.allocate(Shape.of(in.length(0), in.length(1), in.length(2), outWidth));
            shortcut.apply(x, Epilogue.NONE, skip); // [T, H, W, out]
        }
        norm1.applyWithSilu(x, h, backend); // [T, H, W, in]
        h = conv1.apply(h, pass); // [T, H, W, out]
        norm2.applyWithSilu(h, h, backend);
        h = conv2.apply(h, pass); // [T, H, W, out]
        backend.add(skip, h, h);
        pass.free(skip);
        if (temporal != null) {
            temporal.apply(h, pass);
        }
        return h;
    }
}
