package io.lingen.vae;

import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.layer.ModelWeights;
import io.lingen.vae.internal.Activations;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The residual blocks of one resolution. At latent resolution, attention follows the first of them. Taps have the names of the
 * {@link DecoderLayout}, for example {@code res.<j>} and {@code attn}. Thread-safe.
 */
final class ResidualLevel {
    private final DecoderLayout layout;
    private final List<ResidualBlock> blocks = new ArrayList<>();
    private final @Nullable InflatedAttention attention;

    private ResidualLevel(
            ModelWeights weights, AutoencoderConfig config, int count, int in, int out, boolean withAttention) {
        this.layout = config.layout();
        for (int j = 0; j < count; j++) {
            blocks.add(new ResidualBlock(weights.under(layout.residual(j)), config, j == 0 ? in : out, out));
        }
        this.attention = withAttention ? new InflatedAttention(weights.under(layout.attention()), config, out) : null;
    }

    /** Loads the blocks of a level of the decoder or encoder. The first block changes the width. */
    ResidualLevel(ModelWeights weights, AutoencoderConfig config, int in, int out) {
        this(weights, config, config.layersPerLevel(), in, out, false);
    }

    /** Loads the blocks at latent resolution, with attention. */
    static ResidualLevel middle(ModelWeights weights, AutoencoderConfig config) {
        int width = config.widths().get(0);
        return new ResidualLevel(weights, config, config.midLayers(), width, width, config.attention());
    }

    /** Frees x [T, H, W, in] and returns [T, H, W, out]. */
    Tensor apply(Tensor x, Activations pass, Taps taps) {
        Tensor h = x;
        for (int j = 0; j < blocks.size(); j++) {
            h = blocks.get(j).apply(h, pass); // [T, H, W, out]
            taps.accept(layout.residual(j), h);
            if (j == 0 && attention != null) {
                attention.apply(h, pass);
                taps.accept(layout.attention(), h);
            }
        }
        return h;
    }
}
