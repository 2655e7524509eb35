package io.lingen.mate;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Grid;
import org.jspecify.annotations.Nullable;

/**
 * The two branches of a MATE block. At least one is there.
 *
 * @param scan the scan orders, by layer
 * @param reviewPool the pooling of the review tokens, or null without them
 * @param mamba the MA-branch, or null without it
 * @param swin the TE-branch, or null without it
 */
public record MateConfig(
        RotaryMajorScan scan,
        @Nullable Grid reviewPool,
        @Nullable MambaConfig mamba,
        @Nullable SwinConfig swin) {
    public MateConfig {
        if (mamba == null && swin == null) {
            throw new IllegalArgumentException("a MATE block has an MA-branch, a TE-branch, or both; found neither");
        }
    }

    /** Reads the fields {@code ma}, {@code scan}, {@code scan_orders}, {@code review_pool}, {@code mamba} and {@code tesa}. */
    public static MateConfig read(ConfigReader reader, int hiddenSize, int heads) {
        boolean ma = reader.flag("ma");
        ConfigReader tesa = reader.objectOrNull("tesa");
        if (!ma && tesa == null) {
            throw reader.error("tesa", "null", "a window attention, since ma is false and a block needs a branch");
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

    /** Allows, without reading them, all fields of both branches: an architecture without MATE ignores them. */
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

    private static @Nullable Grid reviewPool(ConfigReader reader) {
        if (!reader.has("review_pool")) {
            reader.ignore("review_pool");
            return null;
        }
        int[] pool = reader.integers("review_pool", 3, 3, 1, 1024);
        return new Grid(pool[0], pool[1], pool[2]);
    }
}
