package io.lingen.cuda.internal.op;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Padding;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.SlabAllocator;
import io.lingen.cuda.internal.driver.CublasGemm;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.ConvolutionArguments;
import io.lingen.cuda.internal.op.args.EpilogueArguments;
import io.lingen.cuda.internal.op.args.GemmArguments;
import io.lingen.cuda.internal.op.args.RowScalingArguments;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers and convolutions. Linear layers run in cuBLASLt, including as much of the epilogue as it supports. If cuBLASLt has no
 * algorithm or is missing, they run in the kernels of gemm.cu, as a convolution with one tap. Convolutions run in convolution_sm90.cu or
 * gemm.cu.
 */
public final class Gemm {
    private static final String SOURCE = "gemm";
    private static final int TILE = 128;
    private static final int SMALL_TILE = 64;
    /** The shared memory: three stages of two operands of 128 rows of 32 elements, padded to 40. */
    private static final int SHARED_BYTES = 3 * 2 * TILE * 40 * Short.BYTES;

    private static final String WARPGROUPS_SOURCE = "convolution_sm90";
    /** The largest number of output channels of a block. */
    private static final int WARPGROUPS_COLUMNS = 128;

    private final Device device;
    private final SlabAllocator memory;
    private final Elementwise elementwise;

    /**
     * Creates the operations of a device.
     *
     * @param device the device
     * @param memory the allocator of intermediate results
     * @param elementwise converts operands
     */
    public Gemm(Device device, SlabAllocator memory, Elementwise elementwise) {
        this.device = device;
        this.memory = memory;
        this.elementwise = elementwise;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#linear}.
     *
     * @param x [n, in]
     * @param weights the packed layer
     * @param epilogue the function applied to the sum
     * @param out [n, out]
     */
    public void linear(Tensor x, CudaLinear weights, Epilogue epilogue, Tensor out) {
        long rows = x.shape().rows();
        if (rows == 0 || out.shape().elements() == 0) {
            return;
        }
        SlabAllocator.Block converted = null;
        long from = PooledTensor.addressOf(x);
        if (x.dtype() != weights.dtype() && device.hasCublas()) {
            converted = memory.allocate(x.shape().elements() * weights.dtype().bytes());
            elementwise.convert(
                    from,
                    PooledTensor.isBf16(x),
                    converted.address(),
                    PooledTensor.isBf16(weights.weight()),
                    x.shape().elements());
            from = converted.address();
        }
        if (!device.hasCublas() || !withCublas(from, rows, weights, epilogue, out)) {
            withOwnKernel(
                    PooledTensor.addressOf(x),
                    PooledTensor.isBf16(x),
                    weights.weight(),
                    weights.bias(),
                    epilogue,
                    out,
                    Geometry.linear(rows, weights));
        }
        if (converted != null) {
            memory.release(converted);
        }
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#convolution}.
     *
     * @param x [T, H, W, inChannels]
     * @param weights the packed convolution
     * @param out [T', H', W', outChannels]
     */
    public void convolution(Tensor x, CudaConvolution weights, Tensor out) {
        Boxes boxes = fitsWarpgroups(x, weights, out) ? Boxes.of(weights.parameters(), out.shape()) : null;
        if (boxes != null) {
            convolution(x, weights, boxes, out);
            return;
        }
        withOwnKernel(
                PooledTensor.addressOf(x),
                PooledTensor.isBf16(x),
                weights.weight(),
                weights.bias(),
                Epilogue.NONE,
                out,
                Geometry.convolution(x.shape(), weights.parameters()));
    }

    /** Returns whether the kernel with warpgroup instructions supports a convolution. It copies rows in units of 16 bytes. */
    private boolean fitsWarpgroups(Tensor x, CudaConvolution weights, Tensor out) {
        ConvolutionParameters source = weights.parameters();
        long addresses = PooledTensor.addressOf(x) | weights.weight().address();
        return device.hasWarpgroups()
                && x.dtype() == DType.BF16
                && weights.dtype() == DType.BF16
                && source.stride().equals(Dims3.ONE)
                && source.inChannels() % 8 == 0
                && addresses % 16 == 0
                && x.shape().rows() <= Integer.MAX_VALUE
                && out.shape().rows() <= Integer.MAX_VALUE;
    }

    private void convolution(Tensor x, CudaConvolution weights, Boxes boxes, Tensor out) {
        ConvolutionParameters source = weights.parameters();
        Dims3 kernel = source.kernel();
        int columns = source.outChannels() <= WARPGROUPS_COLUMNS / 2 ? WARPGROUPS_COLUMNS / 2 : WARPGROUPS_COLUMNS;
        long pieces = boxes.count() * Math.ceilDiv(source.outChannels(), columns);
        Shape from = x.shape();
        Shape to = out.shape();
        device.launch(
                WARPGROUPS_SOURCE,
                WARPGROUPS_SOURCE + "_" + columns,
                new Launch(
                        Math.min(Math.toIntExact(pieces), device.properties().multiprocessors()),
                        1,
                        1,
                        384,
                        1,
                        warpgroupsSharedBytes(columns)),
                new ConvolutionArguments(
                        PooledTensor.addressOf(x),
                        weights.weight().address(),
                        PooledTensor.addressOrNull(weights.bias()),
                        PooledTensor.addressOf(out),
                        PooledTensor.isBf16(out),
                        Math.toIntExact(from.length(0)),
                        Math.toIntExact(from.length(1)),
                        Math.toIntExact(from.length(2)),
                        Math.toIntExact(from.length(3)),
                        Math.toIntExact(to.length(0)),
                        Math.toIntExact(to.length(1)),
                        Math.toIntExact(to.length(2)),
                        Math.toIntExact(to.length(3)),
                        kernel.t(),
                        kernel.h(),
                        kernel.w(),
                        source.padding().beforeT(),
                        source.padding().beforeH(),
                        source.padding().beforeW(),
                        boxes.t(),
                        boxes.h(),
                        boxes.w()));
    }

    private static int warpgroupsSharedBytes(int columns) {
        // Two patches and four stages of weights in rows of 128 bytes, the output of eight warps, ten barriers, the
        // cell indices of a patch, and four biases.
        int tiles = (2 * Boxes.MAX_PATCH_CELLS + 4 * columns) * 128 + 8 * 16 * columns * Short.BYTES;
        return tiles + 10 * Long.BYTES + Boxes.MAX_PATCH_CELLS * Integer.BYTES + 4 * columns * Float.BYTES;
    }

    /** Computes a linear layer with cuBLASLt. Returns false if cuBLASLt has no algorithm. */
    private boolean withCublas(long x, long rows, CudaLinear weights, Epilogue epilogue, Tensor out) {
        boolean bf16 = weights.dtype() == DType.BF16;
        boolean outBf16 = out.dtype() == DType.BF16;
        boolean typesFit = bf16 || !outBf16;
        Epilogue.Kind kind = epilogue.kind();
        // The accuracy of the library's tanh is not documented. It is accurate enough for BF16, not for F32.
        boolean gelu = kind == Epilogue.Kind.GELU && bf16;
        if (typesFit && (kind == Epilogue.Kind.NONE || gelu || kind == Epilogue.Kind.ADD)) {
            return device.multiply(gemm(x, rows, weights, kind, PooledTensor.addressOf(out), outBf16));
        }
        Tensor gate = epilogue.gate();
        if (typesFit && gate != null && scalingPays(rows, weights.inFeatures())) {
            return scaled(x, rows, weights, gate, out);
        }
        // A separate kernel computes other epilogues, from an intermediate result with at least the precision of the
        // output.
        DType between = bf16 && outBf16 ? DType.BF16 : DType.F32;
        SlabAllocator.Block y = memory.allocate(rows * weights.outFeatures() * between.bytes());
        boolean done = device.multiply(gemm(x, rows, weights, Epilogue.Kind.NONE, y.address(), between == DType.BF16));
        if (done) {
            int columns = Math.toIntExact(weights.outFeatures());
            device.launch(
                    "elementwise",
                    "epilogue",
                    Launch.rows(rows, columns),
                    new EpilogueArguments(
                            y.address(),
                            PooledTensor.addressOrNull(epilogue.gate()),
                            PooledTensor.addressOf(out),
                            rows,
                            columns,
                            between == DType.BF16,
                            outBf16,
                            kind.ordinal()));
        }
        memory.release(y);
        return done;
    }

    /** Returns whether scaling the weight by the gate moves fewer bytes than storing the GEMM's result and gating it in a second kernel. */
    static boolean scalingPays(long rows, long in) {
        return rows > in / 2;
    }

    /** Computes out += gate * (x W^T + bias) as one GEMM, with the rows of W and the bias scaled by the gate. */
    private boolean scaled(long x, long rows, CudaLinear weights, Tensor gate, Tensor out) {
        boolean outBf16 = out.dtype() == DType.BF16;
        int columns = Math.toIntExact(weights.inFeatures());
        long outFeatures = weights.outFeatures();
        SlabAllocator.Block weight = memory.allocate(weights.weight().byteSize());
        SlabAllocator.Block bias = memory.allocate(outFeatures * Float.BYTES);
        long plainBias = PooledTensor.addressOrNull(weights.bias());
        device.launch(
                "elementwise",
                "scale_rows",
                Launch.rows(outFeatures, columns),
                new RowScalingArguments(
                        weights.weight().address(),
                        PooledTensor.addressOf(gate),
                        plainBias,
                        weight.address(),
                        bias.address(),
                        columns,
                        PooledTensor.isBf16(weights.weight()),
                        outBf16));
        boolean done = device.multiply(new CublasGemm(
                x,
                weight.address(),
                plainBias == 0 ? 0 : bias.address(),
                PooledTensor.addressOf(out),
                rows,
                columns,
                outFeatures,
                weights.dtype() == DType.BF16,
                outBf16,
                true,
                false));
        memory.release(weight);
        memory.release(bias);
        return done;
    }

    private static CublasGemm gemm(
            long x, long rows, CudaLinear weights, Epilogue.Kind kind, long out, boolean outBf16) {
        return new CublasGemm(
                x,
                weights.weight().address(),
                PooledTensor.addressOrNull(outBf16 ? weights.biasBf16() : weights.bias()),
                out,
                rows,
                weights.inFeatures(),
                weights.outFeatures(),
                weights.dtype() == DType.BF16,
                outBf16,
                kind == Epilogue.Kind.ADD,
                kind == Epilogue.Kind.GELU);
    }

    private void withOwnKernel(
            long x,
            boolean xBf16,
            PooledTensor weight,
            @Nullable PooledTensor bias,
            Epilogue epilogue,
            Tensor out,
            Geometry geometry) {
        boolean bf16 = weight.dtype() == DType.BF16;
        int tile = bf16 ? TILE : SMALL_TILE;
        device.launch(
                SOURCE,
                bf16 ? "gemm_bf16" : "gemm_f32",
                new Launch(
                        Math.ceilDiv(geometry.rows, tile),
                        Math.ceilDiv(geometry.o, tile),
                        1,
                        256,
                        1,
                        bf16 ? SHARED_BYTES : 0),
                new GemmArguments(
                        x,
                        weight.address(),
                        PooledTensor.addressOrNull(bias),
                        PooledTensor.addressOrNull(epilogue.gate()),
                        PooledTensor.addressOf(out),
                        geometry.rows,
                        xBf16,
                        PooledTensor.isBf16(out),
                        geometry.t,
                        geometry.h,
                        geometry.w,
                        geometry.c,
                        geometry.outH,
                        geometry.outW,
                        geometry.o,
                        geometry.kernel.t(),
                        geometry.kernel.h(),
                        geometry.kernel.w(),
                        geometry.stride.t(),
                        geometry.stride.h(),
                        geometry.stride.w(),
                        geometry.padding.beforeT(),
                        geometry.padding.beforeH(),
                        geometry.padding.beforeW(),
                        epilogue.kind().ordinal()));
    }

    /** The sizes of a GEMM as the kernel takes them. */
    private record Geometry(
            long rows,
            int t,
            int h,
            int w,
            int c,
            int outH,
            int outW,
            int o,
            Dims3 kernel,
            Dims3 stride,
            Padding padding) {
        /** Returns the sizes of a linear layer, whose rows are frames with one cell. */
        static Geometry linear(long rows, CudaLinear weights) {
            return new Geometry(
                    rows,
                    Math.toIntExact(rows),
                    1,
                    1,
                    Math.toIntExact(weights.inFeatures()),
                    1,
                    1,
                    Math.toIntExact(weights.outFeatures()),
                    Dims3.ONE,
                    Dims3.ONE,
                    Padding.NONE);
        }

        static Geometry convolution(Shape x, ConvolutionParameters source) {
            Shape out = source.outputOf(x);
            return new Geometry(
                    out.rows(),
                    Math.toIntExact(x.length(0)),
                    Math.toIntExact(x.length(1)),
                    Math.toIntExact(x.length(2)),
                    Math.toIntExact(x.length(3)),
                    Math.toIntExact(out.length(1)),
                    Math.toIntExact(out.length(2)),
                    Math.toIntExact(out.length(3)),
                    source.kernel(),
                    source.stride(),
                    source.padding());
        }
    }
}
