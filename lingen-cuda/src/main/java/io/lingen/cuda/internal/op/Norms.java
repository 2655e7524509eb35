package io.lingen.cuda.internal.op;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.SlabAllocator;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.GroupNormArguments;
import io.lingen.cuda.internal.op.args.RmsNormArguments;
import io.lingen.cuda.internal.op.args.RowNormArguments;

/** Layer norm, RMS norms and group norm. */
public final class Norms {
    private static final String SOURCE = "norms";
    /** The largest width of a row that a warp processes; a block then has eight rows. A wider row has its own block. */
    private static final int WARP_WIDTH = 256;

    private static final int MAX_THREADS = 512;
    /** The number of threads per multiprocessor in the layer norm, whose blocks are persistent. */
    private static final int RESIDENT_THREADS = 1024;
    /** The shared memory of a thread of the layer norm, for scale and shift of 8 columns. */
    private static final int PARAMETER_BYTES = 2 * 8 * Float.BYTES;

    /** The approximate number of elements per block of the group norm. */
    private static final long PART = 32768;

    private final Device device;
    private final SlabAllocator memory;

    /**
     * Creates the operations of a device.
     *
     * @param device the device
     * @param memory the allocator of intermediate results
     */
    public Norms(Device device, SlabAllocator memory) {
        this.device = device;
        this.memory = memory;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#modulatedLayerNorm}.
     *
     * @param x [n, d]
     * @param shift [d]
     * @param scale [d]
     * @param epsilon the number added to the variance
     * @param out [n, d]
     */
    public void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        Launch all = blocksOf(x);
        int threads = all.blockX() * all.blockY();
        long resident = (long) device.properties().multiprocessors() * (RESIDENT_THREADS / threads);
        Launch persistent = new Launch(
                Math.min(all.gridX(), resident), 1, 1, all.blockX(), all.blockY(), threads * PARAMETER_BYTES);
        device.launch(
                SOURCE,
                "modulated_layer_norm",
                persistent,
                arguments(x, x, scale, PooledTensor.addressOf(shift), epsilon, out));
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#gatedRmsNorm}.
     *
     * @param y [n, d]
     * @param z [n, d], the gate
     * @param weight [d]
     * @param epsilon the number added to the mean square
     * @param out [n, d]
     */
    public void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        device.launch(SOURCE, "gated_rms_norm", blocksOf(y), arguments(y, z, weight, 0, epsilon, out));
    }

    /** Returns a launch with one block per row, or per eight narrow rows. */
    private static Launch blocksOf(Tensor x) {
        int d = Math.toIntExact(x.shape().last());
        long rows = x.shape().rows();
        return d <= WARP_WIDTH
                ? new Launch(Math.ceilDiv(rows, 8), 1, 1, 32, 8, 0)
                : new Launch(rows, 1, 1, threads(d), 1, 0);
    }

    private static RowNormArguments arguments(Tensor x, Tensor z, Tensor scale, long shift, float epsilon, Tensor out) {
        return new RowNormArguments(
                PooledTensor.addressOf(x),
                PooledTensor.addressOf(z),
                PooledTensor.addressOf(scale),
                shift,
                PooledTensor.addressOf(out),
                x.shape().rows(),
                PooledTensor.isBf16(x),
                PooledTensor.isBf16(z),
                PooledTensor.isBf16(out),
                Math.toIntExact(x.shape().last()),
                epsilon);
    }

    /** Returns the number of threads for a row, a multiple of a warp. Threads process 8 columns at a time and have nearly equal work. */
    static int threads(int d) {
        int vectors = Math.ceilDiv(d, 8);
        int rounds = Math.ceilDiv(vectors, MAX_THREADS);
        return Math.ceilDiv(Math.ceilDiv(vectors, rounds), 32) * 32;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#rmsNorm}.
     *
     * @param x [n, d]
     * @param weight [d]
     * @param epsilon the number added to the mean square
     * @param silu whether SiLU is applied to the result
     * @param out [n, d]
     */
    public void rmsNorm(Tensor x, Tensor weight, float epsilon, boolean silu, Tensor out) {
        int d = Math.toIntExact(x.shape().last());
        rmsNorm(new RmsNormArguments(
                PooledTensor.addressOf(x),
                PooledTensor.addressOf(weight),
                PooledTensor.addressOf(out),
                x.shape().rows(),
                d,
                PooledTensor.isBf16(x),
                PooledTensor.isBf16(out),
                1,
                d,
                silu,
                epsilon));
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#headRmsNorm}.
     *
     * @param heads the vectors, updated in place
     * @param weight [headDim]
     * @param epsilon the number added to the mean square
     */
    public void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        boolean bf16 = PooledTensor.isBf16(heads.matrix());
        rmsNorm(new RmsNormArguments(
                HeadAddresses.of(heads),
                PooledTensor.addressOf(weight),
                HeadAddresses.of(heads),
                heads.tokens() * heads.heads(),
                heads.matrix().shape().last(),
                bf16,
                bf16,
                heads.heads(),
                heads.headDim(),
                false,
                epsilon));
    }

    /** Starts the kernel with one block per vector, or per several narrow vectors, each with a power of two of threads up to a warp. */
    private void rmsNorm(RmsNormArguments arguments) {
        int d = arguments.d();
        int lanes = Integer.highestOneBit(2 * Math.ceilDiv(d, 8) - 1);
        Launch launch = d <= WARP_WIDTH
                ? new Launch(Math.ceilDiv(arguments.vectors(), 256 / lanes), 1, 1, lanes, 256 / lanes, 0)
                : new Launch(arguments.vectors(), 1, 1, threads(d), 1, 0);
        device.launch(SOURCE, "rms_norm", launch, arguments);
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#groupNorm}.
     *
     * @param x [T, H, W, C]
     * @param groups the number of groups of channels
     * @param weight [C]
     * @param bias [C]
     * @param epsilon the number added to the variance
     * @param silu whether SiLU is applied to the result
     * @param out has the shape of x
     */
    public void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        Shape shape = x.shape();
        int frames = Math.toIntExact(shape.length(0));
        int channels = Math.toIntExact(shape.last());
        long cells = shape.length(1) * shape.length(2);
        if (shape.elements() == 0) {
            return;
        }
        Launch blocks = Launch.cells(cells, channels);
        long chunk = Math.max(Math.ceilDiv(PART, channels), blocks.blockY());
        int chunks = Math.toIntExact(Math.ceilDiv(cells, chunk));
        long partBytes = (long) frames * chunks * channels * 2 * Float.BYTES;
        SlabAllocator.Block parts = memory.allocate(partBytes + (long) frames * groups * 2 * Float.BYTES);
        GroupNormArguments arguments = new GroupNormArguments(
                PooledTensor.addressOf(x),
                PooledTensor.addressOf(weight),
                PooledTensor.addressOf(bias),
                parts.address(),
                parts.address() + partBytes,
                PooledTensor.addressOf(out),
                cells,
                PooledTensor.isBf16(x),
                PooledTensor.isBf16(out),
                channels,
                groups,
                Math.toIntExact(chunk),
                chunks,
                silu,
                epsilon);
        Launch launch = new Launch(chunks, frames, blocks.gridY(), blocks.blockX(), blocks.blockY(), 0);
        device.launch(SOURCE, "group_norm_parts", launch, arguments);
        device.launch(SOURCE, "group_norm_merge", new Launch(groups, frames, 1, 128, 1, 0), arguments);
        device.launch(SOURCE, "group_norm_apply", launch, arguments);
        memory.release(parts);
    }
}
