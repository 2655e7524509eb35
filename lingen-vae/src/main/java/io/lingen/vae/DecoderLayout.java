package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import org.jspecify.annotations.Nullable;

/** The kinds of decoders: the names of their tensors and the temporal parts of their layers (docs/checkpoint-format.md). */
enum DecoderLayout {
    /** LinGen's: a temporal convolution follows every spatial one, and temporal attention follows spatial attention. */
    INFLATED("mid", "up.", "res.", "attn", "upsample", "norm_out"),
    /** Stable Diffusion's image decoder, frame by frame. */
    SD("mid_block", "up_blocks.", "resnets.", "attentions.0", "upsamplers.0.conv", "conv_norm_out"),
    /** Stable Video Diffusion's: {@link #SD}, with a blended temporal block after every residual block. */
    SD_TEMPORAL("mid_block", "up_blocks.", "resnets.", "attentions.0", "upsamplers.0.conv", "conv_norm_out");

    private final String middle;
    private final String level;
    private final String residual;
    private final String attention;
    private final String upsample;
    private final String normOut;

    DecoderLayout(String middle, String level, String residual, String attention, String upsample, String normOut) {
        this.middle = middle;
        this.level = level;
        this.residual = residual;
        this.attention = attention;
        this.upsample = upsample;
        this.normOut = normOut;
    }

    /** {@return the name of the blocks at latent resolution} */
    String middle() {
        return middle;
    }

    /** {@return the name of a level} */
    String level(int k) {
        return level + k;
    }

    /** {@return the name of a residual block of a level} */
    String residual(int j) {
        return residual + j;
    }

    /** {@return the name of the attention of the middle} */
    String attention() {
        return attention;
    }

    /** {@return the name of the convolution after upsampling, in a level} */
    String upsample() {
        return upsample;
    }

    /** {@return the name of the last norm} */
    String normOut() {
        return normOut;
    }

    /** {@return a convolution of a level} */
    InflatedConvolution convolution(ModelWeights weights, int in, int out) {
        return this == INFLATED
                ? new InflatedConvolution(weights, in, out)
                : InflatedConvolution.ofImages(weights, in, out);
    }

    /** {@return the last convolution} */
    InflatedConvolution lastConvolution(ModelWeights decoder, int in, int out) {
        return this == SD_TEMPORAL
                ? InflatedConvolution.ofImagesAndTime(decoder, "conv_out", "time_conv_out", in, out)
                : convolution(decoder.under("conv_out"), in, out);
    }

    /** {@return the weights of the spatial half of a residual block} */
    ModelWeights spatialHalf(ModelWeights block) {
        return this == SD_TEMPORAL ? block.under("spatial_res_block") : block;
    }

    /** {@return the temporal half that follows a residual block; null for none} */
    @Nullable
    TemporalBlock temporalHalf(ModelWeights block, AutoencoderConfig config, int width) {
        return this == SD_TEMPORAL ? new TemporalBlock(block, config, width) : null;
    }

    /** {@return the shortcut of a residual block between different widths} */
    Linear shortcut(ModelWeights block, int in, int out) {
        if (this == INFLATED) {
            return block.linear("shortcut", in, out);
        }
        return block.linear(
                block.host("conv_shortcut.weight", out, in, 1, 1).reshape(out, in),
                block.host("conv_shortcut.bias", out));
    }

    /** {@return the convolution that follows the scaling of the latent; null for none} */
    @Nullable
    Linear postQuantization(ModelWeights weights, int channels) {
        if (this != SD) {
            return null;
        }
        ModelWeights exact = weights.withPrecision(DType.F32);
        return exact.linear(
                exact.host("post_quant_conv.weight", channels, channels, 1, 1).reshape(channels, channels),
                exact.host("post_quant_conv.bias", channels));
    }

    /** {@return the layer C -> q, k, v of a published attention, which has older names in some files} */
    static Linear queriesKeysValues(ModelWeights attention, int width) {
        String[] names = attention.has("query.weight")
                ? new String[] {"query", "key", "value"}
                : new String[] {"to_q", "to_k", "to_v"};
        HostTensor[] matrices = new HostTensor[names.length];
        HostTensor[] biases = new HostTensor[names.length];
        for (int i = 0; i < names.length; i++) {
            matrices[i] = attention.host(names[i] + ".weight", width, width);
            biases[i] = attention.host(names[i] + ".bias", width);
        }
        return attention.linear(
                joined(attention, Shape.of(3L * width, width), matrices),
                joined(attention, Shape.of(3L * width), biases));
    }

    private static HostTensor joined(ModelWeights weights, Shape shape, HostTensor... parts) {
        if (!weights.backend().computes()) {
            return HostTensor.withoutElements(DType.F32, shape);
        }
        float[] values = new float[Math.toIntExact(shape.elements())];
        int from = 0;
        for (HostTensor part : parts) {
            float[] copied = part.toFloats();
            System.arraycopy(copied, 0, values, from, copied.length);
            from += copied.length;
        }
        return HostTensor.of(values, shape.toArray());
    }
}
