package io.lingen.mate;

import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import org.jspecify.annotations.Nullable;

/**
 * MATE, the token mixer of LinGen: the sum of the MA-branch, which covers the whole video, and the TE-branch, which covers the
 * neighborhood of each token (specification, sections 2 to 4). Immutable, thread-safe.
 */
public final class MateBlock implements TokenMixer {
    private final Backend backend;
    private final ScanOrder order;
    private final @Nullable ReviewTokens review;
    private final @Nullable Mamba mamba;
    private final @Nullable TemporalSwinAttention swin;

    /**
     * Loads the branches of a block.
     *
     * @param weights the weights of the block; the MA-branch is under "ma", the TE-branch under "te"
     * @param config the configuration of the branches
     * @param hiddenSize d, the width of a token
     * @param heads the number of attention heads of the TE-branch
     * @param layer the index of the block, from 0; it determines the scan order and the window shift
     * @throws io.lingen.core.checkpoint.CheckpointException if a tensor is missing or invalid
     */
    public MateBlock(ModelWeights weights, MateConfig config, int hiddenSize, int heads, int layer) {
        this.backend = weights.backend();
        this.order = config.scan().order(layer);
        this.review = config.reviewPool() == null ? null : new ReviewTokens(config.reviewPool());
        MambaConfig ma = config.mamba();
        this.mamba = ma == null ? null : mamba(weights.under("ma"), ma, hiddenSize);
        SwinConfig te = config.swin();
        this.swin = te == null ? null : new TemporalSwinAttention(weights.under("te"), te, hiddenSize, heads, layer);
    }

    private static Mamba mamba(ModelWeights weights, MambaConfig config, int hiddenSize) {
        if (config.variant() == MambaConfig.Variant.MAMBA1) {
            return new BidirectionalMamba1(weights, config, hiddenSize);
        }
        if (config.directions() == MambaConfig.Directions.INDEPENDENT) {
            return new IndependentMamba2(weights, config, hiddenSize);
        }
        return new BidirectionalMamba2(weights, config, hiddenSize);
    }

    @Override
    public long leadingRows(Grid grid) {
        return mamba == null || review == null ? 0 : review.of(grid).cells();
    }

    @Override
    public void addTo(Tensor residual, Tensor gate, Tensor sequence, Grid grid, Taps taps) {
        long lead = leadingRows(grid);
        if (mamba != null) {
            if (review != null) {
                review.fill(backend, sequence, grid);
            }
            mamba.addTo(residual, gate, sequence, grid, review == null ? null : review.of(grid), order, taps);
        }
        if (swin != null) {
            swin.addTo(residual, gate, sequence.slice(lead, lead + grid.cells()), grid, taps);
        }
    }
}
