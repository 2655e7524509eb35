package io.lingen.cpu;

import io.lingen.core.BackendOptions;
import io.lingen.core.ConvolutionWeights;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.LinearWeights;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.PatchSize;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import io.lingen.core.spi.Kernels;
import io.lingen.core.spi.MemoryPool;
import io.lingen.cpu.internal.CpuMemory;
import io.lingen.cpu.internal.CpuTensor;
import io.lingen.cpu.internal.CpuWorkspace;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.kernel.CausalConvolutionKernel;
import io.lingen.cpu.internal.kernel.DiagonalScanKernel;
import io.lingen.cpu.internal.kernel.ElementwiseKernel;
import io.lingen.cpu.internal.kernel.GroupNormKernel;
import io.lingen.cpu.internal.kernel.HostTransfer;
import io.lingen.cpu.internal.kernel.LayerNormKernel;
import io.lingen.cpu.internal.kernel.PatchKernel;
import io.lingen.cpu.internal.kernel.PoolKernel;
import io.lingen.cpu.internal.kernel.PositionKernel;
import io.lingen.cpu.internal.kernel.RmsNormKernel;
import io.lingen.cpu.internal.kernel.UpsampleKernel;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The backend "cpu": tensors in off-heap memory, every operation a kernel class that shares its rows, heads or windows among the threads.
 * Operations of concurrent callers take turns. Get one from {@link io.lingen.core.backend.Backends}.
 */
final class CpuKernels implements Kernels {
    private final CpuMemory blocks = new CpuMemory();
    private final WorkerPool pool;
    private final KernelSet chosen;
    private final ElementwiseKernel elementwise;
    private final PatchKernel patches;
    private final PositionKernel positions;
    private final PoolKernel pooling;
    private final LayerNormKernel layerNorm;
    private final RmsNormKernel rmsNorm;
    private final GroupNormKernel groupNorm;
    private final UpsampleKernel upsampling;
    private final CausalConvolutionKernel causalConvolution;
    private final DiagonalScanKernel diagonalScan;

    CpuKernels(BackendOptions options, KernelSet.Level level) {
        pool = new WorkerPool(options.threads(), blocks);
        chosen = KernelSet.choose(level, pool, blocks);
        elementwise = new ElementwiseKernel(pool, chosen.spans());
        patches = new PatchKernel(pool);
        positions = new PositionKernel(pool, chosen.spans());
        pooling = new PoolKernel(pool, chosen.spans());
        layerNorm = new LayerNormKernel(pool, blocks, chosen.spans());
        rmsNorm = new RmsNormKernel(pool, chosen.spans());
        groupNorm = new GroupNormKernel(pool, blocks, chosen.spans());
        upsampling = new UpsampleKernel(pool, chosen.spans());
        causalConvolution = new CausalConvolutionKernel(pool, blocks, chosen.spans());
        diagonalScan = new DiagonalScanKernel(pool, chosen.spans());
    }

    @Override
    public String name() {
        return CpuBackendProvider.NAME;
    }

    @Override
    public String description() {
        return System.getProperty("os.arch") + ", " + pool.size() + " threads; loops: "
                + chosen.spans().description() + "; products: " + chosen.products();
    }

    @Override
    public DType packedType(DType dtype) {
        return chosen.packedType(dtype);
    }

    @Override
    public MemoryPool newMemoryPool() {
        return CpuMemory.withoutMemory();
    }

    @Override
    public Workspace newWorkspace(MemoryMeter meter) {
        return new CpuWorkspace(blocks, meter);
    }

    @Override
    public boolean owns(Workspace workspace) {
        return workspace instanceof CpuWorkspace && ((CpuWorkspace) workspace).memory() == blocks;
    }

    @Override
    public boolean owns(Tensor tensor) {
        return tensor instanceof CpuTensor && owns(((CpuTensor) tensor).owner());
    }

    @Override
    public @Nullable Tensor share(Workspace workspace, HostTensor source) {
        MemorySegment memory = source.memory();
        boolean shareable =
                memory.isNative() && memory.address() % source.dtype().bytes() == 0;
        return shareable ? CpuWorkspace.of(workspace).borrow(source) : null;
    }

    @Override
    public HostTensor download(Tensor tensor) {
        return HostTransfer.download(CpuTensor.of(tensor), chosen.spans());
    }

    @Override
    public void download(Tensor tensor, float[] target) {
        HostTransfer.download(CpuTensor.of(tensor), target, chosen.spans());
    }

    @Override
    public LinearWeights packLinear(Workspace workspace, LinearWeights.Source source, DType dtype) {
        chosen.begin();
        try {
            LinearWeights weights = chosen.linear().pack(CpuWorkspace.of(workspace), source, dtype);
            source.weight().unload();
            return weights;
        } finally {
            chosen.end();
        }
    }

    @Override
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionWeights.Source source, DType dtype) {
        chosen.begin();
        try {
            return chosen.convolution().pack(CpuWorkspace.of(workspace), source, dtype);
        } finally {
            chosen.end();
        }
    }

    /** Ends the threads and frees the memory. Tensors of a workspace that is still open stay readable until it is closed too. */
    @Override
    public void close() {
        pool.close();
        chosen.close();
        blocks.close();
    }

    @Override
    public void write(HostTensor source, Tensor target) {
        CpuTensor tensor = CpuTensor.of(target);
        HostTransfer.read(source, tensor.address(), tensor.dtype(), chosen.spans());
    }

    @Override
    public void copy(Tensor x, Tensor out) {
        elementwise.copy(CpuTensor.of(x), CpuTensor.of(out));
    }

    @Override
    public void add(Tensor a, Tensor b, Tensor out) {
        elementwise.add(CpuTensor.of(a), CpuTensor.of(b), CpuTensor.of(out));
    }

    @Override
    public void addScaled(float alpha, Tensor x, Tensor y) {
        elementwise.addScaled(alpha, CpuTensor.of(x), CpuTensor.of(y));
    }

    @Override
    public void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        elementwise.interpolate(CpuTensor.of(a), CpuTensor.of(b), s, CpuTensor.of(out));
    }

    @Override
    public void normal(long seed, Tensor out) {
        elementwise.normal(seed, CpuTensor.of(out));
    }

    @Override
    public void patchify(Tensor video, PatchSize patch, Tensor tokens) {
        patches.patchify(CpuTensor.of(video), patch, CpuTensor.of(tokens));
    }

    @Override
    public void unpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        patches.unpatchify(CpuTensor.of(tokens), patch, CpuTensor.of(video));
    }

    @Override
    public void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        positions.compute(
                CpuTensor.of(x),
                CpuTensor.of(tableT),
                CpuTensor.of(tableH),
                CpuTensor.of(tableW),
                grid,
                CpuTensor.of(out));
    }

    @Override
    public void averagePool(Tensor x, Grid grid, Grid kernel, Tensor out) {
        pooling.compute(CpuTensor.of(x), grid, kernel, CpuTensor.of(out));
    }

    @Override
    public void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        layerNorm.compute(CpuTensor.of(x), shift, scale, epsilon, CpuTensor.of(out));
    }

    @Override
    public void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        rmsNorm.gated(CpuTensor.of(y), CpuTensor.of(z), weight, epsilon, CpuTensor.of(out));
    }

    @Override
    public void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        rmsNorm.heads(heads, weight, epsilon);
    }

    @Override
    public void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        groupNorm.compute(CpuTensor.of(x), groups, weight, bias, epsilon, silu, CpuTensor.of(out));
    }

    @Override
    public void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        chosen.begin();
        try {
            chosen.linear().compute(CpuTensor.of(x), weights, epilogue, CpuTensor.of(out));
        } finally {
            chosen.end();
        }
    }

    @Override
    public void convolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        chosen.begin();
        try {
            chosen.convolution().compute(CpuTensor.of(x), weights, CpuTensor.of(out));
        } finally {
            chosen.end();
        }
    }

    @Override
    public void upsampleNearest(Tensor x, Grid factor, Tensor out) {
        upsampling.compute(CpuTensor.of(x), factor, CpuTensor.of(out));
    }

    @Override
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out) {
        chosen.begin();
        try {
            chosen.attention().attention(q, k, v, mask, CpuTensor.of(out));
        } finally {
            chosen.end();
        }
    }

    @Override
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        chosen.begin();
        try {
            chosen.attention().windowAttention(q, k, v, grid, windows, bias, CpuTensor.of(out));
        } finally {
            chosen.end();
        }
    }

    @Override
    public void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        chosen.begin();
        try {
            chosen.selectiveScan().compute(input, path, spec, weights, accumulate, CpuTensor.of(y));
        } finally {
            chosen.end();
        }
    }

    @Override
    public void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        causalConvolution.compute(CpuTensor.of(x), column, path, weight, bias, CpuTensor.of(out));
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
        diagonalScan.compute(x, dt, bc, b, c, path, weights, accumulate, CpuTensor.of(y));
    }
}
