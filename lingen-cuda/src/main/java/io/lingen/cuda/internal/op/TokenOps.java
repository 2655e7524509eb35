package io.lingen.cuda.internal.op;

import io.lingen.core.Tensor;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.PatchSize;
import io.lingen.core.op.Rotation;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.AnglesArguments;
import io.lingen.cuda.internal.op.args.PatchesArguments;
import io.lingen.cuda.internal.op.args.PoolArguments;
import io.lingen.cuda.internal.op.args.PositionsArguments;
import io.lingen.cuda.internal.op.args.RotationArguments;
import io.lingen.cuda.internal.op.args.UpsamplingArguments;

/** Operations on tokens and cells: patches, position embeddings, rotations, pooling and upsampling. */
public final class TokenOps {
    private static final String SOURCE = "tokens";

    private final Device device;

    /**
     * Creates the operations of a device.
     *
     * @param device the device
     */
    public TokenOps(Device device) {
        this.device = device;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#patchify}.
     *
     * @param video [C, T, H, W]
     * @param patch the size of a patch
     * @param tokens [tokens, C * patch.cells()]
     */
    public void patchify(Tensor video, PatchSize patch, Tensor tokens) {
        patches(video, tokens, video, patch, false);
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#unpatchify}.
     *
     * @param tokens [tokens, C * patch.cells()]
     * @param patch the size of a patch
     * @param video [C, T, H, W]
     */
    public void unpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        patches(tokens, video, video, patch, true);
    }

    private void patches(Tensor from, Tensor to, Tensor video, PatchSize patch, boolean inverse) {
        Grid grid = patch.gridOf(video.shape());
        long n = video.shape().elements();
        device.launch(
                SOURCE,
                "patches",
                Launch.of(Math.ceilDiv(n, 256)),
                new PatchesArguments(
                        PooledTensor.addressOf(from),
                        PooledTensor.addressOf(to),
                        n,
                        PooledTensor.isBf16(from),
                        PooledTensor.isBf16(to),
                        Math.toIntExact(video.shape().length(0)),
                        grid.t(),
                        grid.h(),
                        grid.w(),
                        patch.t(),
                        patch.h(),
                        patch.w(),
                        inverse));
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#addPosition}.
     *
     * @param x [grid.cells(), d]
     * @param tableT [at least grid.t(), d]
     * @param tableH [at least grid.h(), d]
     * @param tableW [at least grid.w(), d]
     * @param grid the grid of tokens
     * @param out has the shape of x
     */
    public void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        int d = Math.toIntExact(x.shape().last());
        device.launch(
                SOURCE,
                "add_position",
                Launch.rows(grid.cells(), d),
                new PositionsArguments(
                        PooledTensor.addressOf(x),
                        PooledTensor.addressOf(tableT),
                        PooledTensor.addressOf(tableH),
                        PooledTensor.addressOf(tableW),
                        PooledTensor.addressOf(out),
                        PooledTensor.isBf16(x),
                        PooledTensor.isBf16(out),
                        d,
                        grid.h(),
                        grid.w()));
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#rotate}.
     *
     * @param heads the vectors, updated in place
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     */
    public void rotate(Heads heads, Rotation rotation) {
        Tensor matrix = heads.matrix();
        device.launch(
                SOURCE,
                "rotate",
                Launch.cells(heads.tokens(), heads.headDim()),
                new RotationArguments(
                        HeadAddresses.of(heads),
                        heads.tokens(),
                        matrix.shape().last(),
                        PooledTensor.isBf16(matrix),
                        heads.heads(),
                        AnglesArguments.of(rotation)));
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#averagePool}.
     *
     * @param x [grid.cells(), d]
     * @param grid the grid of tokens
     * @param kernel the size of a block
     * @param out [grid.dividedBy(kernel).cells(), d]
     */
    public void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out) {
        int d = Math.toIntExact(x.shape().last());
        device.launch(
                SOURCE,
                "average_pool",
                Launch.rows(grid.dividedBy(kernel).cells(), d),
                new PoolArguments(
                        PooledTensor.addressOf(x),
                        PooledTensor.addressOf(out),
                        PooledTensor.isBf16(x),
                        PooledTensor.isBf16(out),
                        d,
                        grid.t(),
                        grid.h(),
                        grid.w(),
                        kernel.t(),
                        kernel.h(),
                        kernel.w()));
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#upsampleNearest}.
     *
     * @param x [T, H, W, C]
     * @param factor the number of repetitions on each axis
     * @param out [T', H', W', C]; the last cells of an axis may be repeated fewer times
     */
    public void upsample(Tensor x, Dims3 factor, Tensor out) {
        int c = Math.toIntExact(x.shape().last());
        device.launch(
                SOURCE,
                "upsample",
                Launch.cells(x.shape().rows(), c),
                new UpsamplingArguments(
                        PooledTensor.addressOf(x),
                        PooledTensor.addressOf(out),
                        x.shape().rows(),
                        PooledTensor.isBf16(x),
                        PooledTensor.isBf16(out),
                        c,
                        Math.toIntExact(x.shape().length(1)),
                        Math.toIntExact(x.shape().length(2)),
                        factor.t(),
                        factor.h(),
                        factor.w(),
                        Math.toIntExact(out.shape().length(0)),
                        Math.toIntExact(out.shape().length(1)),
                        Math.toIntExact(out.shape().length(2))));
    }
}
