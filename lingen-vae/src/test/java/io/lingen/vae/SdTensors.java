package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.NamedTensors;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The tensors of the published decoders by their names, without elements. */
final class SdTensors implements NamedTensors {
    private static final int[] WIDTHS = {512, 512, 256, 128};

    private final Map<String, Shape> shapes = new TreeMap<>();
    private final boolean temporal;

    private SdTensors(boolean temporal) {
        this.temporal = temporal;
        if (!temporal) {
            layer("post_quant_conv", 4, 4, 1, 1);
        }
        layer("encoder.conv_in", 128, 3, 3, 3);
        layer("decoder.conv_in", 512, 4, 3, 3);
        block("decoder.mid_block.resnets.0", 512, 512);
        block("decoder.mid_block.resnets.1", 512, 512);
        layer("decoder.mid_block.attentions.0.group_norm", 512);
        for (String name : new String[] {"to_q", "to_k", "to_v", "to_out.0"}) {
            layer("decoder.mid_block.attentions.0." + name, 512, 512);
        }
        for (int k = 0; k < WIDTHS.length; k++) {
            for (int j = 0; j < 3; j++) {
                block(
                        "decoder.up_blocks." + k + ".resnets." + j,
                        j == 0 ? WIDTHS[Math.max(k - 1, 0)] : WIDTHS[k],
                        WIDTHS[k]);
            }
            if (k < 3) {
                layer("decoder.up_blocks." + k + ".upsamplers.0.conv", WIDTHS[k], WIDTHS[k], 3, 3);
            }
        }
        layer("decoder.conv_norm_out", 128);
        layer("decoder.conv_out", 3, 128, 3, 3);
        if (temporal) {
            layer("decoder.time_conv_out", 3, 3, 3, 1, 1);
        }
    }

    static SdTensors of(String kind) {
        return new SdTensors(kind.equals("sd_temporal"));
    }

    private void block(String name, int in, int out) {
        String spatial = temporal ? name + ".spatial_res_block" : name;
        layer(spatial + ".norm1", in);
        layer(spatial + ".conv1", out, in, 3, 3);
        layer(spatial + ".norm2", out);
        layer(spatial + ".conv2", out, out, 3, 3);
        if (in != out) {
            layer(spatial + ".conv_shortcut", out, in, 1, 1);
        }
        if (temporal) {
            for (String half : new String[] {"1", "2"}) {
                layer(name + ".temporal_res_block.norm" + half, out);
                layer(name + ".temporal_res_block.conv" + half, out, out, 3, 1, 1);
            }
            shapes.put(name + ".time_mixer.mix_factor", Shape.of(1));
        }
    }

    private void layer(String name, long... weight) {
        shapes.put(name + ".weight", Shape.of(weight));
        shapes.put(name + ".bias", Shape.of(weight[0]));
    }

    @Override
    public Set<String> names() {
        return shapes.keySet();
    }

    @Override
    public HostTensor tensor(String name) {
        return HostTensor.withoutElements(DType.F32, shapes.get(name));
    }
}
