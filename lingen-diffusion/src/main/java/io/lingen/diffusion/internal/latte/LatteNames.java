package io.lingen.diffusion.internal.latte;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;

/**
 * The published names of a block's tensors. Unconditional and class models have those of Latte's authors, text models those of diffusers,
 * where queries, keys and values are three layers.
 */
enum LatteNames {
    /** The names of Latte's authors. */
    AUTHORS("attn", "proj", "mlp.fc1", "mlp.fc2", "mlp") {
        @Override
        Linear queriesKeysValues(ModelWeights attention, int d) {
            return attention.linear("qkv", d, 3L * d);
        }

        @Override
        Modulation modulation(ModelWeights block, int d) {
            return Modulation.projected(exact(block).linear("adaLN_modulation.1", d, 6L * d));
        }
    },
    /** The names of diffusers. */
    DIFFUSERS("attn1", "to_out.0", "ff.net.0.proj", "ff.net.2", "ff") {
        @Override
        Linear queriesKeysValues(ModelWeights attention, int d) {
            return joined(attention, d, "to_q", "to_k", "to_v");
        }

        @Override
        Modulation modulation(ModelWeights block, int d) {
            return Modulation.table(block.backend(), block.tensor("scale_shift_table", 6, d));
        }
    };

    /** The second attention of a block of variant 3, which has no published checkpoint. */
    static final String SECOND_ATTENTION = "attn_temporal";

    private final String attention;
    private final String projection;
    private final String fc1;
    private final String fc2;
    private final String feedForward;

    LatteNames(String attention, String projection, String fc1, String fc2, String feedForward) {
        this.attention = attention;
        this.projection = projection;
        this.fc1 = fc1;
        this.fc2 = fc2;
        this.feedForward = feedForward;
    }

    static LatteNames of(LatteConfig config) {
        return config.condition() == LatteConfig.Condition.TEXT ? DIFFUSERS : AUTHORS;
    }

    /** {@return the layer d -> q, k, v of an attention} */
    abstract Linear queriesKeysValues(ModelWeights attention, int d);

    /** {@return the modulation of a block: shift1, scale1, gate1, shift2, scale2, gate2} */
    abstract Modulation modulation(ModelWeights block, int d);

    /** {@return the name of the first (0) or second (1) attention} */
    String attention(int index) {
        return index == 0 ? attention : SECOND_ATTENTION;
    }

    /** {@return the output projection of an attention} */
    String projection() {
        return projection;
    }

    String fc1() {
        return fc1;
    }

    String fc2() {
        return fc2;
    }

    /** {@return the tap of the feed-forward network} */
    String feedForward() {
        return feedForward;
    }

    /** {@return several layers d -> d as one, their outputs one after the other} */
    static Linear joined(ModelWeights weights, int d, String... layers) {
        HostTensor[] matrices = new HostTensor[layers.length];
        HostTensor[] biases = new HostTensor[layers.length];
        for (int i = 0; i < layers.length; i++) {
            matrices[i] = weights.host(layers[i] + ".weight", d, d);
            biases[i] = weights.host(layers[i] + ".bias", d);
        }
        return weights.linear(HostMatrices.joinRows(weights, matrices), HostMatrices.joinRows(weights, biases));
    }

    private static ModelWeights exact(ModelWeights weights) {
        return weights.withPrecision(DType.F32);
    }
}
