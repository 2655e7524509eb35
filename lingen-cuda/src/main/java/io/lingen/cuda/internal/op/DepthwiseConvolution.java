package io.lingen.cuda.internal.op;

import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.DepthwiseConvolutionArguments;

/** The gated depthwise convolution. */
public final class DepthwiseConvolution {
    private static final String SOURCE = "depthwise_convolution";
    /** The number of columns of cells of a block: 16 warps have one each, and the first and the last write none. */
    private static final int COLUMNS = 14;

    private static final int CHANNELS = 64;

    private final Device device;

    /**
     * Creates the operations of a device.
     *
     * @param device the device
     */
    public DepthwiseConvolution(Device device) {
        this.device = device;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#gatedDepthwiseConvolution}.
     *
     * @param x [grid.cells(), 2 channels]
     * @param grid the grid of cells
     * @param weight [2 channels, 3, 3]
     * @param bias [2 channels]
     * @param out [grid.cells(), channels]
     */
    public void compute(Tensor x, Grid grid, Tensor weight, Tensor bias, Tensor out) {
        int channels = Math.toIntExact(out.shape().last());
        if (channels == 0) {
            return;
        }
        device.launch(
                SOURCE,
                "gated_depthwise_convolution",
                new Launch(grid.t(), Math.ceilDiv(grid.w(), COLUMNS), Math.ceilDiv(channels, CHANNELS), 512, 1, 0),
                new DepthwiseConvolutionArguments(
                        PooledTensor.addressOf(x),
                        PooledTensor.addressOf(weight),
                        PooledTensor.addressOf(bias),
                        PooledTensor.addressOf(out),
                        PooledTensor.isBf16(x),
                        PooledTensor.isBf16(out),
                        channels,
                        grid.h(),
                        grid.w()));
    }
}
