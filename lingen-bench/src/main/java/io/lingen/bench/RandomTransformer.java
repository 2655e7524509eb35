package io.lingen.bench;

import io.lingen.core.BFloat16;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.PhiloxNormal;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * Writes a workload's denoiser as a model folder with random weights. A tensor depends on the seed and its name alone: it is a piece of
 * one endless row of the same normal numbers, whose length is prime, so that no two rows of a matrix are equal. Branches stay
 * smaller than the residual stream and decays span what training makes of them, so that rounding is not amplified from block to block
 * and results can be compared.
 */
public final class RandomTransformer {
    private static final int BLOCK = 1 << 16;
    private static final int PERIOD = 1_048_573;

    private final Workload workload;
    private final float[] numbers = new float[PERIOD];
    private final DType storage;
    private final Arena arena;
    private final Map<String, HostTensor> tensors = new LinkedHashMap<>();

    private RandomTransformer(Workload workload, long seed, DType storage, Arena arena) {
        this.workload = workload;
        this.storage = storage;
        this.arena = arena;
        PhiloxNormal.fill(seed, 0, numbers, 0, PERIOD);
    }

    /**
     * Writes {@code model}/transformer.
     *
     * @param storage the type of the weights in the file, F32 or BF16
     */
    public static void write(Path model, Workload workload, long seed, DType storage) throws IOException {
        Path transformer = Files.createDirectories(model.resolve("transformer"));
        Files.writeString(transformer.resolve("config.json"), workload.config());
        try (Arena arena = Arena.ofShared()) {
            RandomTransformer weights = new RandomTransformer(workload, seed, storage, arena);
            weights.model();
            SafetensorsWriter.write(transformer.resolve("model.safetensors"), weights.tensors, Map.of());
        }
    }

    private void model() {
        long d = workload.hiddenSize();
        Shape latent = workload.latent();
        long patch = Workload.CHANNELS * 4L;
        linear("patch_embed", patch, d);
        normal("pos_embed.t", 0, 0.2, latent.length(1), d);
        normal("pos_embed.h", 0, 0.2, latent.length(2) / 2, d);
        normal("pos_embed.w", 0, 0.2, latent.length(3) / 2, d);
        linear("time_embed.fc1", 256, d);
        linear("time_embed.fc2", d, d);
        matrix("adaln.weight", 0.4, 6 * d, d);
        normal("adaln.bias", 0, 0.1, 6 * d);
        linear("text_proj.0", Workload.TEXT_WIDTH, d);
        normal("text_norm.0.weight", 1, 0.2, d);
        normal("text_norm.0.bias", 0, 0.1, d);
        for (int layer = 0; layer < workload.depth(); layer++) {
            block("blocks." + layer + ".", d);
        }
        normal("final.scale_shift_table", 0, 0.2, 2, d);
        linear("final.linear", d, patch);
    }

    private void block(String block, long d) {
        normal(block + "scale_shift_table", 0.1, 0.2, 6, d);
        if (workload.architecture().equals("dit")) {
            linear(block + "attn.qkv", d, 3 * d);
            linear(block + "attn.proj", d, d);
        } else {
            mamba(block + "ma.", d);
            linear(block + "te.qkv", d, 3 * d);
            linear(block + "te.proj", d, d);
        }
        linear(block + "cross.q", d, d);
        linear(block + "cross.kv", d, 2 * d);
        matrix(block + "cross.proj.weight", 0.5, d, d);
        normal(block + "cross.proj.bias", 0, 0.1, d);
        linear(block + "ffn.fc1", d, Workload.FFN_RATIO * d);
        linear(block + "ffn.fc2", Workload.FFN_RATIO * d, d);
    }

    private void mamba(String ma, long d) {
        long inner = Workload.EXPAND * d;
        long heads = inner / Workload.SCAN_HEAD;
        matrix(ma + "in_proj.weight", 1, 2 * inner + 4L * Workload.STATE_SIZE + 2 * heads, d);
        for (String direction : new String[] {"fwd.", "bwd."}) {
            long channels = inner + 2L * Workload.STATE_SIZE;
            matrix(ma + direction + "conv.weight", 1, channels, Workload.CONV_WIDTH);
            normal(ma + direction + "conv.bias", 0.4, 0.2, channels);
            normal(ma + direction + "dt_bias", -3, 1, heads);
            normal(ma + direction + "A_log", 1, 0.7, heads);
            normal(ma + direction + "D", 1, 0.2, heads);
        }
        normal(ma + "norm.weight", 1, 0.2, inner);
        matrix(ma + "out_proj.weight", 1, d, inner);
    }

    private void linear(String name, long in, long out) {
        matrix(name + ".weight", 1, out, in);
        normal(name + ".bias", 0, 0.1, out);
    }

    /** Products of unit variance from inputs of unit variance, times the gain. */
    private void matrix(String name, double gain, long out, long in) {
        normal(name, 0, gain / Math.sqrt(in), out, in);
    }

    private void normal(String name, double mean, double deviation, long... lengths) {
        Shape shape = Shape.of(lengths);
        MemorySegment memory = arena.allocate(shape.elements() * storage.bytes(), 64);
        int begin = Math.floorMod(name.hashCode(), PERIOD);
        // A block's numbers depend on its place alone: all processors may fill at once.
        LongStream.range(0, Math.ceilDiv(shape.elements(), BLOCK)).parallel().forEach(block -> {
            long first = block * BLOCK;
            long end = Math.min(shape.elements(), first + BLOCK);
            int at = (int) ((begin + first) % PERIOD);
            for (long i = first; i < end; i++) {
                float value = (float) (mean + deviation * numbers[at]);
                at = at + 1 == PERIOD ? 0 : at + 1;
                if (storage == DType.BF16) {
                    memory.setAtIndex(ValueLayout.JAVA_SHORT, i, BFloat16.fromFloat(value));
                } else {
                    memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
                }
            }
        });
        tensors.put(name, new HostTensor(storage, shape, memory));
    }
}
