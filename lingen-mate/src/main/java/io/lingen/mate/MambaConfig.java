package io.lingen.mate;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.ScanSpec;

/**
 * The sizes and the variant of the MA-branch's state space model (specification, section 3).
 *
 * @param stateSize n, the width of the state per head, or per channel in Mamba1
 * @param convWidth the number of taps of the causal convolution
 * @param expand di / d
 * @param headDim P, the width of a head
 * @param groups G, the number of sets of B and C that heads share
 * @param chunkSize Q, the number of tokens per chunk of the chunked scan; affects rounding only
 * @param variant Mamba2, or Mamba1 for the ablation
 * @param directions the parameters that the two directions share
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
        /** One decay per head. Scanned in chunks, with GEMMs. */
        MAMBA2,
        /** One decay per channel and state entry. */
        MAMBA1
    }

    /** The parameters that the two directions share. */
    public enum Directions {
        /** The projections. Convolution, B, C, dt, A and D are separate. */
        SHARED,
        /** None: the sum of two complete modules. */
        INDEPENDENT,
        /** All. */
        TIED
    }

    /**
     * Checks the combination of variant and directions.
     *
     * @throws IllegalArgumentException if Mamba1 is combined with directions other than {@link Directions#SHARED}
     */
    public MambaConfig {
        if (variant == Variant.MAMBA1 && directions != Directions.SHARED) {
            throw new IllegalArgumentException("directions must be SHARED for the variant MAMBA1, found " + directions);
        }
    }

    /** {@return the default sizes of the public Mamba2 implementation} */
    public static MambaConfig defaults() {
        return new MambaConfig(128, 4, 2, 64, 1, 256, Variant.MAMBA2, Directions.SHARED);
    }

    /**
     * Reads the object {@code mamba} of a transformer's configuration.
     *
     * @param reader the object
     * @param hiddenSize d
     * @return the configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing, unknown or invalid
     */
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

    /**
     * {@return di, the width of x and z}
     *
     * @param hiddenSize d
     */
    public int innerWidth(int hiddenSize) {
        return expand * hiddenSize;
    }

    /**
     * {@return the rank of Mamba1's dt projection}
     *
     * @param hiddenSize d
     */
    public int dtRank(int hiddenSize) {
        return Math.ceilDiv(hiddenSize, 16);
    }

    /**
     * {@return the sizes of the scan of one direction}
     *
     * @param hiddenSize d
     */
    public ScanSpec scanSpec(int hiddenSize) {
        return new ScanSpec(innerWidth(hiddenSize), stateSize, groups, headDim, convWidth, chunkSize);
    }
}
