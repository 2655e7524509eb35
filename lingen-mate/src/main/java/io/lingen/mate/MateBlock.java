package io.lingen.mate;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.WeightReader;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import org.jspecify.annotations.Nullable;

/**
 * MATE: the sum of the MA-branch, which remembers over the whole clip, and the TE-branch, which sees neighbours sharply (specification,
 * sections 2 to 4). Immutable, thread-safe.
 */
public final class MateBlock implements TokenMixer {
    private final Backend backend;
    private final ScanOrder order;
    private final @Nullable ReviewTokens review;
    private final @Nullable Mamba mamba;
    private final @Nullable TemporalSwinAttention swin;

    /**
     * Loads the branches of a layer.
     *
     * @param workspace owns the weights
     * @param reader at the block's tensors; "ma." and "te." are read
     * @param precision the type of products and activations
     */
    public MateBlock(
            Backend backend,
            Workspace workspace,
            WeightReader reader,
            MateConfig config,
            int hiddenSize,
            int heads,
            int layer,
            DType precision) {
        this.backend = backend;
        this.order = config.scan().order(layer);
        this.review = config.reviewPool() == null ? null : new ReviewTokens(config.reviewPool());
        MambaConfig ma = config.mamba();
        this.mamba = ma == null ? null : load(backend, workspace, reader.under("ma."), ma, hiddenSize, precision);
        SwinConfig te = config.swin();
        this.swin = te == null
                ? null
                : new TemporalSwinAttention(
                        backend, workspace, reader.under("te."), te, hiddenSize, heads, layer, precision);
    }

    private static Mamba load(
            Backend backend,
            Workspace workspace,
            WeightReader reader,
            MambaConfig config,
            int hiddenSize,
            DType precision) {
        if (config.variant() == MambaConfig.Variant.MAMBA1) {
            return new BidirectionalMamba1(backend, workspace, reader, config, hiddenSize, precision);
        }
        if (config.directions() == MambaConfig.Directions.INDEPENDENT) {
            return new IndependentMamba2(backend, workspace, reader, config, hiddenSize, precision);
        }
        return new BidirectionalMamba2(backend, workspace, reader, config, hiddenSize, precision);
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
