package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A writer of a model folder with the denoiser of a workload and {@link RandomWeights}. Branches are smaller than the residual stream and
 * decays have the range of a trained model. So rounding errors are not amplified from block to block, and results can be compared.
 */
public final class RandomTransformer {
    private final Workload workload;
    private final @Nullable Component without;
    private final RandomWeights weights;

    private RandomTransformer(Workload workload, @Nullable Component without, RandomWeights weights) {
        this.workload = workload;
        this.without = without;
        this.weights = weights;
    }

    /**
     * Writes the folder {@code model}/transformer.
     *
     * @param model the model folder
     * @param workload the size of the denoiser
     * @param seed the seed of the weights
     * @param storage the type of the weights in the file, F32 or BF16
     * @throws IOException if the folder cannot be written
     */
    public static void write(Path model, Workload workload, long seed, DType storage) throws IOException {
        write(model, workload, null, seed, storage);
    }

    /**
     * Writes the folder {@code model}/transformer for a model without a component. The other tensors are the same.
     *
     * @param without the component that LinGen blocks lack, or null for none
     */
    static void write(Path model, Workload workload, @Nullable Component without, long seed, DType storage)
            throws IOException {
        RandomModelFolder.create(model);
        Path transformer = Files.createDirectories(model.resolve("transformer"));
        Files.writeString(transformer.resolve("config.json"), workload.config(without));
        try (RandomWeights weights = new RandomWeights(seed, storage)) {
            new RandomTransformer(workload, without, weights).model();
            weights.write(transformer.resolve("model.safetensors"));
        }
    }

    private void model() {
        long d = workload.hiddenSize();
        Shape latent = workload.latent();
        long patch = Workload.CHANNELS * 4L;
        weights.linear("patch_embed", patch, d);
        weights.normal("pos_embed.t", 0, 0.2, latent.length(1), d);
        weights.normal("pos_embed.h", 0, 0.2, latent.length(2) / 2, d);
        weights.normal("pos_embed.w", 0, 0.2, latent.length(3) / 2, d);
        weights.linear("time_embed.fc1", 256, d);
        weights.linear("time_embed.fc2", d, d);
        weights.matrix("adaln.weight", 0.4, 6 * d, d);
        weights.normal("adaln.bias", 0, 0.1, 6 * d);
        weights.linear("text_proj.0", Workload.TEXT_WIDTH, d);
        weights.normal("text_norm.0.weight", 1, 0.2, d);
        weights.normal("text_norm.0.bias", 0, 0.1, d);
        for (int layer = 0; layer < workload.depth(); layer++) {
            block("blocks." + layer + ".", d);
        }
        weights.normal("final.scale_shift_table", 0, 0.2, 2, d);
        weights.linear("final.linear", d, patch);
    }

    private void block(String block, long d) {
        weights.normal(block + "scale_shift_table", 0.1, 0.2, 6, d);
        if (workload.architecture().equals("dit")) {
            weights.linear(block + "attn.qkv", d, 3 * d);
            weights.linear(block + "attn.proj", d, d);
        } else {
            if (without != Component.MA) {
                mamba(block + "ma.", d);
            }
            if (without != Component.TESA) {
                weights.linear(block + "te.qkv", d, 3 * d);
                weights.linear(block + "te.proj", d, d);
            }
        }
        weights.linear(block + "cross.q", d, d);
        weights.linear(block + "cross.kv", d, 2 * d);
        weights.matrix(block + "cross.proj.weight", 0.5, d, d);
        weights.normal(block + "cross.proj.bias", 0, 0.1, d);
        weights.linear(block + "ffn.fc1", d, Workload.FFN_RATIO * d);
        weights.linear(block + "ffn.fc2", Workload.FFN_RATIO * d, d);
    }

    private void mamba(String ma, long d) {
        long inner = Workload.EXPAND * d;
        long heads = inner / Workload.SCAN_HEAD;
        weights.matrix(ma + "in_proj.weight", 1, 2 * inner + 4L * Workload.STATE_SIZE + 2 * heads, d);
        for (String direction : new String[] {"fwd.", "bwd."}) {
            long channels = inner + 2L * Workload.STATE_SIZE;
            weights.matrix(ma + direction + "conv.weight", 1, channels, Workload.CONV_WIDTH);
            weights.normal(ma + direction + "conv.bias", 0.4, 0.2, channels);
            weights.normal(ma + direction + "dt_bias", -3, 1, heads);
            weights.normal(ma + direction + "A_log", 1, 0.7, heads);
            weights.normal(ma + direction + "D", 1, 0.2, heads);
        }
        weights.normal(ma + "norm.weight", 1, 0.2, inner);
        weights.matrix(ma + "out_proj.weight", 1, d, inner);
    }
}
