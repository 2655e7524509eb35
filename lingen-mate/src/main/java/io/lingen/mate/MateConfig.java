package io.lingen.mate;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Dims3;
import org.jspecify.annotations.Nullable;

/**
 * The two branches of a MATE block, of which at least one is present.
 *
 * @param scan the scan order of each layer
 * @param reviewPool the pooling of the review tokens, or null for none
 * @param mamba the MA-branch, or null for none
 * @param swin the TE-branch, or null for none
 */
public record MateConfig(
        RotaryMajorScan scan,
        @Nullable Dims3 reviewPool,
        @Nullable MambaConfig mamba,
        @Nullable SwinConfig swin) {
    /**
     * Checks that there is a branch.
     *
     * @throws IllegalArgumentException if both branches are null
     */
    public MateConfig {
        if (mamba == null && swin == null) {
            throw new IllegalArgumentException("MATE block must have an MA-branch, a TE-branch or both, found neither");
        }
    }

    /**
     * Reads the fields {@code ma}, {@code scan}, {@code scan_orders}, {@code review_pool}, {@code mamba} and {@code tesa}.
     *
     * @param reader the transformer's configuration
     * @param hiddenSize d
     * @param heads the number of attention heads
     * @return the configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing or invalid
     */
    public static MateConfig read(ConfigReader reader, int hiddenSize, int heads) {
        boolean ma = reader.flag("ma");
        ConfigReader tesa = reader.objectOrNull("tesa");
        if (!ma && tesa == null) {
            throw reader.error("tesa", "null", "an object, because ma is false and a block must have a branch");
        }
        SwinConfig swin = tesa == null ? null : SwinConfig.read(tesa, hiddenSize, heads);
        if (!ma) {
            ignoreMambaFields(reader);
            return new MateConfig(RotaryMajorScan.FIXED, null, null, swin);
        }
        return new MateConfig(
                RotaryMajorScan.read(reader),
                reviewPool(reader),
                MambaConfig.read(reader.object("mamba"), hiddenSize),
                swin);
    }

    /**
     * Marks all fields of both branches as known without reading them, for an architecture without MATE.
     *
     * @param reader the transformer's configuration
     */
    public static void ignore(ConfigReader reader) {
        reader.ignore("ma");
        reader.ignore("tesa");
        ignoreMambaFields(reader);
    }

    private static void ignoreMambaFields(ConfigReader reader) {
        reader.ignore("scan");
        reader.ignore("scan_orders");
        reader.ignore("review_pool");
        reader.ignore("mamba");
    }

    private static @Nullable Dims3 reviewPool(ConfigReader reader) {
        if (!reader.has("review_pool")) {
            reader.ignore("review_pool");
            return null;
        }
        int[] pool = reader.integers("review_pool", 3, 3, 1, 1024);
        return new Dims3(pool[0], pool[1], pool[2]);
    }
}
