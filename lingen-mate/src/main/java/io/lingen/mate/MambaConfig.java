package io.lingen.mate;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.ScanSpec;

/**
 * The sizes and variant of the MA-branch's state space model (specification, section 3).
 *
 * @param stateSize n, the width of the state per head (Mamba1: per channel)
 * @param convWidth taps of the causal convolution
 * @param expand di / d
 * @param headDim P
 * @param groups G, sets of B and C shared by heads
 * @param chunkSize Q, tokens per chunk of the chunked scan; no influence on the result beyond rounding
 * @param variant Mamba2, or Mamba1 for the ablation
 * @param directions what the two directions share
 */
public record MambaConfig(
        int stateSize,
        int convWidth,
        int expand,
        int headDim,
        int groups,
        int chunkSize,
        Variant variant,
        Directions directions) {
    private static final int MAX = 1 << 16;

    /** The state space model. */
    public enum Variant {
        /** One decay per head, scanned in chunks of matrix products. */
        MAMBA2,
        /** One decay per channel and state entry. */
        MAMBA1
    }

    /** What the two directions share. */
    public enum Directions {
        /** The projections; convolution, B, C, dt, A and D are each direction's own. */
        SHARED,
        /** Nothing: two whole modules, summed. */
        INDEPENDENT,
        /** Everything. */
        TIED
    }

    public MambaConfig {
        if (variant == Variant.MAMBA1 && directions != Directions.SHARED) {
            throw new IllegalArgumentException(
                    "directions: found " + directions + ", the variant mamba1 has shared directions only");
        }
    }

    /** Mamba2's public defaults. */
    public static MambaConfig defaults() {
        return new MambaConfig(128, 4, 2, 64, 1, 256, Variant.MAMBA2, Directions.SHARED);
    }

    /** Reads the object {@code mamba} of a transformer's configuration. */
    public static MambaConfig read(ConfigReader reader, int hiddenSize) {
        MambaConfig config = new MambaConfig(
                reader.integer("d_state", 1, MAX),
                reader.integer("d_conv", 1, 64),
                reader.integer("expand", 1, 64),
                reader.integer("head_dim", 1, MAX),
                reader.integer("n_groups", 1, MAX),
                reader.integer("chunk_size", 1, MAX),
                reader.choiceOr("variant", Variant.class, Variant.MAMBA2),
                reader.choiceOr("directions", Directions.class, Directions.SHARED));
        if (config.variant == Variant.MAMBA2) {
            int inner = config.innerWidth(hiddenSize);
            if (inner % config.headDim != 0) {
                throw reader.error("head_dim", config.headDim, "a divisor of expand * hidden_size = " + inner);
            }
            if (inner / config.headDim % config.groups != 0) {
                throw reader.error("n_groups", config.groups, "a divisor of the " + inner / config.headDim + " heads");
            }
        }
        reader.end();
        return config;
    }

    /** di, the width of x and z. */
    public int innerWidth(int hiddenSize) {
        return expand * hiddenSize;
    }

    /** The rank of Mamba1's dt projection. */
    public int dtRank(int hiddenSize) {
        return Math.ceilDiv(hiddenSize, 16);
    }

    /** The sizes of one direction's scan. */
    public ScanSpec scanSpec(int hiddenSize) {
        return new ScanSpec(innerWidth(hiddenSize), stateSize, groups, headDim, convWidth, chunkSize);
    }
}
