package io.lingen.cpu.internal.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.op.PatchSize;
import io.lingen.core.op.Rotation;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import io.lingen.core.spi.Kernels;
import io.lingen.core.spi.MemoryPool;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.kernel.CausalConvolutionKernel;
import io.lingen.cpu.internal.kernel.DepthwiseConvolutionKernel;
import io.lingen.cpu.internal.kernel.DiagonalScanKernel;
import io.lingen.cpu.internal.kernel.ElementwiseKernel;
import io.lingen.cpu.internal.kernel.GroupNormKernel;
import io.lingen.cpu.internal.kernel.HostTransfer;
import io.lingen.cpu.internal.kernel.LayerNormKernel;
import io.lingen.cpu.internal.kernel.PatchKernel;
import io.lingen.cpu.internal.kernel.PoolKernel;
import io.lingen.cpu.internal.kernel.PositionKernel;
import io.lingen.cpu.internal.kernel.RmsNormKernel;
import io.lingen.cpu.internal.kernel.RotationKernel;
import io.lingen.cpu.internal.kernel.UpsampleKernel;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of the backend "cpu". Tensors are in off-heap memory. Each operation splits its rows, heads or windows among the threads of a
 * pool. Operations of concurrent callers run one after the other.
 */
final class CpuKernels implements Kernels {
    private final SizeClassAllocator blocks = new SizeClassAllocator();
    private final WorkerPool pool;
    private final KernelSet kernels;
    private final ElementwiseKernel elementwise;
    private final PatchKernel patches;
    private final PositionKernel positions;
    private final RotationKernel rotations;
    private final PoolKernel pooling;
    private final LayerNormKernel layerNorm;
    private final RmsNormKernel rmsNorm;
    private final GroupNormKernel groupNorm;
    private final DepthwiseConvolutionKernel depthwiseConvolution;
    private final UpsampleKernel upsampling;
    private final CausalConvolutionKernel causalConvolution;
    private final DiagonalScanKernel diagonalScan;

    CpuKernels(BackendOptions options, KernelSet.Level level) {
        pool = new WorkerPool(options.threads(), blocks);
        kernels = KernelSet.choose(level, pool, blocks);
        elementwise = new ElementwiseKernel(pool, kernels.loops());
        patches = new PatchKernel(pool);
        positions = new PositionKernel(pool, kernels.loops());
        rotations = new RotationKernel(pool, kernels.loops());
        pooling = new PoolKernel(pool, kernels.loops());
        layerNorm = new LayerNormKernel(pool, blocks, kernels.loops());
        rmsNorm = new RmsNormKernel(pool, kernels.loops());
        groupNorm = new GroupNormKernel(pool, blocks, kernels.loops());
        depthwiseConvolution = new DepthwiseConvolutionKernel(pool, kernels.loops());
        upsampling = new UpsampleKernel(pool, kernels.loops());
        causalConvolution = new CausalConvolutionKernel(pool, blocks, kernels.loops());
        diagonalScan = new DiagonalScanKernel(pool, kernels.loops());
    }

    @Override
    public String name() {
        return CpuBackendProvider.NAME;
    }

    @Override
    public String description() {
        return System.getProperty("os.arch") + ", " + pool.size()
                + (pool.size() == 1 ? " thread" : " threads") + "; loops: "
                + kernels.loops().description() + "; matrix products: " + kernels.matrixProducts();
    }

    @Override
    public DType packedType(DType dtype) {
        return kernels.packedType(dtype);
    }

    @Override
    public MemoryPool newMemoryPool() {
        return SizeClassAllocator.withoutMemory();
    }

    @Override
    public Workspace newWorkspace(MemoryMeter meter) {
        return new PooledWorkspace(blocks, meter);
    }

    @Override
    public boolean owns(Workspace workspace) {
        return PooledWorkspace.isIn(blocks, workspace);
    }

    @Override
    public boolean owns(Tensor tensor) {
        return PooledTensor.isIn(blocks, tensor);
    }

    @Override
    public @Nullable Tensor share(Workspace workspace, HostTensor source) {
        MemorySegment memory = source.memory();
        boolean shareable =
                memory.isNative() && memory.address() % source.dtype().bytes() == 0;
        return shareable ? PooledWorkspace.of(workspace).share(source) : null;
    }

    @Override
    public HostTensor download(Tensor tensor) {
        return HostTransfer.download(PooledTensor.of(tensor), kernels.loops());
    }

    @Override
    public void download(Tensor tensor, float[] target) {
        HostTransfer.download(PooledTensor.of(tensor), target, kernels.loops());
    }

    @Override
    public LinearWeights packLinear(Workspace workspace, LinearParameters source, DType dtype) {
        kernels.begin();
        try {
            LinearWeights weights = kernels.linear().pack(PooledWorkspace.of(workspace), source, dtype);
            source.weight().unload();
            return weights;
        } finally {
            kernels.end();
        }
    }

    @Override
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionParameters source, DType dtype) {
        kernels.begin();
        try {
            return kernels.convolution().pack(PooledWorkspace.of(workspace), source, dtype);
        } finally {
            kernels.end();
        }
    }

    /** Stops the threads and frees all memory, except that of open workspaces, which is freed when they are closed. */
    @Override
    public void close() {
        pool.close();
        kernels.close();
        blocks.close();
    }

    @Override
    public void write(HostTensor source, Tensor target) {
        PooledTensor tensor = PooledTensor.of(target);
        HostTransfer.read(source, tensor.address(), tensor.dtype(), kernels.loops());
    }

    @Override
    public void copy(Tensor x, Tensor out) {
        elementwise.copy(PooledTensor.of(x), PooledTensor.of(out));
    }

    @Override
    public void add(Tensor a, Tensor b, Tensor out) {
        elementwise.add(PooledTensor.of(a), PooledTensor.of(b), PooledTensor.of(out));
    }

    @Override
    public void multiply(Tensor a, Tensor b, Tensor out) {
        elementwise.multiply(PooledTensor.of(a), PooledTensor.of(b), PooledTensor.of(out));
    }

    @Override
    public void addScaled(float alpha, Tensor x, Tensor y) {
        elementwise.addScaled(alpha, PooledTensor.of(x), PooledTensor.of(y));
    }

    @Override
    public void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        elementwise.interpolate(PooledTensor.of(a), PooledTensor.of(b), s, PooledTensor.of(out));
    }

    @Override
    public void normal(long seed, Tensor out) {
        elementwise.normal(seed, PooledTensor.of(out));
    }

    @Override
    public void patchify(Tensor video, PatchSize patch, Tensor tokens) {
        patches.patchify(PooledTensor.of(video), patch, PooledTensor.of(tokens));
    }

    @Override
    public void unpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        patches.unpatchify(PooledTensor.of(tokens), patch, PooledTensor.of(video));
    }

    @Override
    public void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        positions.compute(
                PooledTensor.of(x),
                PooledTensor.of(tableT),
                PooledTensor.of(tableH),
                PooledTensor.of(tableW),
                grid,
                PooledTensor.of(out));
    }

    @Override
    public void rotate(Heads heads, Rotation rotation) {
        rotations.compute(heads, rotation);
    }

    @Override
    public void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out) {
        pooling.compute(PooledTensor.of(x), grid, kernel, PooledTensor.of(out));
    }

    @Override
    public void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        layerNorm.compute(PooledTensor.of(x), shift, scale, epsilon, PooledTensor.of(out));
    }

    @Override
    public void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        rmsNorm.gated(PooledTensor.of(y), PooledTensor.of(z), weight, epsilon, PooledTensor.of(out));
    }

    @Override
    public void rmsNorm(Tensor x, Tensor weight, float epsilon, boolean silu, Tensor out) {
        rmsNorm.rows(PooledTensor.of(x), weight, epsilon, silu, PooledTensor.of(out));
    }

    @Override
    public void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        rmsNorm.heads(heads, weight, epsilon);
    }

    @Override
    public void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        groupNorm.compute(PooledTensor.of(x), groups, weight, bias, epsilon, silu, PooledTensor.of(out));
    }

    @Override
    public void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        kernels.begin();
        try {
            kernels.linear().compute(PooledTensor.of(x), weights, epilogue, PooledTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    public void convolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        kernels.begin();
        try {
            kernels.convolution().compute(PooledTensor.of(x), weights, PooledTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    public void gatedDepthwiseConvolution(Tensor x, Grid grid, Tensor weight, Tensor bias, Tensor out) {
        depthwiseConvolution.compute(PooledTensor.of(x), grid, weight, bias, PooledTensor.of(out));
    }

    @Override
    public void upsampleNearest(Tensor x, Dims3 factor, Tensor out) {
        upsampling.compute(PooledTensor.of(x), factor, PooledTensor.of(out));
    }

    @Override
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, Tensor out) {
        kernels.begin();
        try {
            kernels.attention().attention(q, k, v, weights, PooledTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        kernels.begin();
        try {
            kernels.attention().windowAttention(q, k, v, grid, windows, bias, PooledTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    public void linearAttention(Heads q, Heads k, Heads v, Rotation rotation, Tensor out) {
        kernels.begin();
        try {
            kernels.linearAttention().compute(q, k, v, rotation, PooledTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    public void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        kernels.begin();
        try {
            kernels.selectiveScan().compute(input, path, spec, weights, accumulate, PooledTensor.of(y));
        } finally {
            kernels.end();
        }
    }

    @Override
    public void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        causalConvolution.compute(PooledTensor.of(x), column, path, weight, bias, PooledTensor.of(out));
    }

    @Override
    public void diagonalScan(
            Tensor x,
            Tensor dt,
            Tensor bc,
            long b,
            long c,
            ScanPath path,
            DiagonalScanWeights weights,
            boolean accumulate,
            Tensor y) {
        diagonalScan.compute(x, dt, bc, b, c, path, weights, accumulate, PooledTensor.of(y));
    }
}
