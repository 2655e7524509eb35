package io.lingen.wan.internal.vae;

import io.lingen.core.Tensor;
import io.lingen.core.layer.ModelWeights;
import io.lingen.wan.internal.vae.WanVaeConfig.Stage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A stage of the decoder: residual blocks, followed in all stages but the last by upsampling in time and space. Thread-safe. */
final class DecoderStage {
    private final List<CausalResidualBlock> blocks = new ArrayList<>();
    private final @Nullable TemporalUpsampling time;
    private final @Nullable SpatialUpsampling space;
    private final @Nullable UpsamplingShortcut shortcut;

    DecoderStage(ModelWeights weights, WanVaeConfig config, Stage stage) {
        int width = stage.in();
        for (int k = 0; k <= config.residualBlocks(); k++) {
            blocks.add(new CausalResidualBlock(weights.under("resnets." + k), width, stage.out()));
            width = stage.out();
        }
        ModelWeights upsampler = weights.under(config.residual() ? "upsampler" : "upsamplers.0");
        this.time = stage.changesTime() ? new TemporalUpsampling(upsampler.under("time_conv"), width) : null;
        this.space = stage.changesSpace()
                ? new SpatialUpsampling(upsampler.under("resample.1"), width, config.upsampledWidth(stage))
                : null;
        this.shortcut = config.residual() && stage.changesSpace() ? new UpsamplingShortcut(stage) : null;
    }

    /** Frees x [T, H, W, in] and returns [T', H', W', out']. */
    Tensor apply(Tensor x, CausalClip clip) {
        Tensor start = null;
        if (shortcut != null) {
            start = clip.allocate(x.shape());
            clip.backend().copy(x, start);
        }
        Tensor h = x;
        for (CausalResidualBlock block : blocks) {
            h = block.apply(h, clip); // [T, H, W, out]
        }
        if (time != null) {
            h = time.apply(h, clip); // [T', H, W, out]
        }
        if (space != null) {
            h = space.apply(h, clip); // [T', H', W', out']
        }
        if (shortcut != null && start != null) {
            shortcut.addTo(start, h, clip);
            clip.free(start);
        }
        return h;
    }
}
