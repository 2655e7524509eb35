package io.lingen.wan.internal.vae;

import io.lingen.core.Tensor;
import io.lingen.core.layer.ModelWeights;
import io.lingen.wan.internal.vae.WanVaeConfig.Stage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A stage of the encoder: residual blocks, followed in all stages but the last by downsampling in space and time. Thread-safe. */
final class EncoderStage {
    private final List<CausalResidualBlock> blocks;
    private final @Nullable SpatialDownsampling space;
    private final @Nullable TemporalDownsampling time;
    private final @Nullable DownsamplingShortcut shortcut;

    private EncoderStage(
            List<CausalResidualBlock> blocks,
            ModelWeights downsampler,
            Stage stage,
            @Nullable DownsamplingShortcut shortcut) {
        this.blocks = blocks;
        this.space =
                stage.changesSpace() ? new SpatialDownsampling(downsampler.under("resample.1"), stage.out()) : null;
        this.time = stage.changesTime() ? new TemporalDownsampling(downsampler.under("time_conv"), stage.out()) : null;
        this.shortcut = shortcut;
    }

    /**
     * Builds all stages.
     *
     * @param weights those of the encoder
     */
    static List<EncoderStage> all(ModelWeights weights, WanVaeConfig config) {
        List<EncoderStage> stages = new ArrayList<>();
        int layer = 0; // Without shortcuts, the layers of all stages are numbered through.
        for (Stage stage : config.encoderStages()) {
            List<CausalResidualBlock> blocks = new ArrayList<>();
            int width = stage.in();
            ModelWeights own = weights.under("down_blocks." + stages.size());
            for (int k = 0; k < config.residualBlocks(); k++) {
                ModelWeights block =
                        config.residual() ? own.under("resnets." + k) : weights.under("down_blocks." + layer);
                blocks.add(new CausalResidualBlock(block, width, stage.out()));
                width = stage.out();
                layer++;
            }
            ModelWeights downsampler =
                    config.residual() ? own.under("downsampler") : weights.under("down_blocks." + layer);
            layer++;
            stages.add(new EncoderStage(
                    blocks, downsampler, stage, config.residual() ? new DownsamplingShortcut(stage) : null));
        }
        return stages;
    }

    /** Frees x [T, H, W, in] and returns [T', H', W', out]. */
    Tensor apply(Tensor x, CausalClip clip) {
        Tensor skip = shortcut == null ? null : shortcut.apply(x, clip); // [T', H', W', out]
        Tensor h = x;
        for (CausalResidualBlock block : blocks) {
            h = block.apply(h, clip); // [T, H, W, out]
        }
        if (space != null) {
            h = space.apply(h, clip); // [T, H', W', out]
        }
        if (time != null) {
            h = time.apply(h, clip); // [T', H', W', out]
        }
        if (skip != null) {
            clip.backend().add(h, skip, h);
            clip.free(skip);
        }
        return h;
    }
}
