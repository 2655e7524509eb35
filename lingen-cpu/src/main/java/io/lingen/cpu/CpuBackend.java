package io.lingen.cpu;

import io.lingen.core.BackendOptions;
import io.lingen.core.ConvolutionWeights;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.LinearWeights;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.AbstractBackend;
import io.lingen.core.backend.CountingBackend;
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
public final class CpuBackend extends AbstractBackend {
    private final CpuMemory blocks = new CpuMemory();
    private final WorkerPool pool;
    private final CpuKernels kernels;
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

    CpuBackend(BackendOptions options, CpuKernels.Level level) {
        pool = new WorkerPool(options.threads(), blocks);
        kernels = CpuKernels.choose(level, pool, blocks);
        elementwise = new ElementwiseKernel(pool, kernels.spans());
        patches = new PatchKernel(pool);
        positions = new PositionKernel(pool, kernels.spans());
        pooling = new PoolKernel(pool, kernels.spans());
        layerNorm = new LayerNormKernel(pool, blocks, kernels.spans());
        rmsNorm = new RmsNormKernel(pool, kernels.spans());
        groupNorm = new GroupNormKernel(pool, blocks, kernels.spans());
        upsampling = new UpsampleKernel(pool, kernels.spans());
        causalConvolution = new CausalConvolutionKernel(pool, blocks, kernels.spans());
        diagonalScan = new DiagonalScanKernel(pool, kernels.spans());
    }

    @Override
    public String name() {
        return CpuBackendProvider.NAME;
    }

    @Override
    public String description() {
        return System.getProperty("os.arch") + ", " + pool.size() + " threads; loops: "
                + kernels.spans().description() + "; products: " + kernels.products();
    }

    @Override
    public CountingBackend counting() {
        return new CountingBackend(CpuMemory.withoutMemory(), kernels::packedType);
    }

    @Override
    public Workspace newWorkspace() {
        return new CpuWorkspace(blocks, memory());
    }

    @Override
    public Tensor upload(Workspace workspace, HostTensor source, DType dtype) {
        CpuTensor tensor = CpuWorkspace.of(workspace).allocate(dtype, source.shape());
        computeWrite(source, tensor);
        source.unload();
        return tensor;
    }

    @Override
    public Tensor borrow(Workspace workspace, HostTensor source) {
        requireComputeType(source.dtype());
        MemorySegment memory = source.memory();
        boolean shareable =
                memory.isNative() && memory.address() % source.dtype().bytes() == 0;
        return shareable ? CpuWorkspace.of(workspace).borrow(source) : upload(workspace, source, source.dtype());
    }

    @Override
    public HostTensor download(Tensor tensor) {
        return HostTransfer.download(CpuTensor.of(tensor), kernels.spans());
    }

    @Override
    public void download(Tensor tensor, float[] target) {
        HostTransfer.download(CpuTensor.of(tensor), target, kernels.spans());
    }

    @Override
    public LinearWeights packLinear(Workspace workspace, LinearWeights.Source source, DType dtype) {
        requireComputeType(dtype);
        kernels.begin();
        try {
            LinearWeights weights = kernels.linear().pack(CpuWorkspace.of(workspace), source, dtype);
            source.weight().unload();
            return weights;
        } finally {
            kernels.end();
        }
    }

    @Override
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionWeights.Source source, DType dtype) {
        requireComputeType(dtype);
        kernels.begin();
        try {
            return kernels.convolution().pack(CpuWorkspace.of(workspace), source, dtype);
        } finally {
            kernels.end();
        }
    }

    /**
     * Ends the threads and frees the memory.
     *
     * @throws IllegalStateException if a workspace is still open: its tensors stay readable until it is closed too
     */
    @Override
    public void close() {
        pool.close();
        kernels.close();
        blocks.close();
        if (memory().liveBytes() > 0) {
            throw new IllegalStateException("the cpu backend was closed while workspaces with " + memory().liveBytes()
                    + " bytes are open; close them first");
        }
    }

    @Override
    protected void computeWrite(HostTensor source, Tensor target) {
        CpuTensor tensor = CpuTensor.of(target);
        HostTransfer.read(source, tensor.address(), tensor.dtype(), kernels.spans());
    }

    @Override
    protected void computeCopy(Tensor x, Tensor out) {
        elementwise.copy(CpuTensor.of(x), CpuTensor.of(out));
    }

    @Override
    protected void computeAdd(Tensor a, Tensor b, Tensor out) {
        elementwise.add(CpuTensor.of(a), CpuTensor.of(b), CpuTensor.of(out));
    }

    @Override
    protected void computeAddScaled(float alpha, Tensor x, Tensor y) {
        elementwise.addScaled(alpha, CpuTensor.of(x), CpuTensor.of(y));
    }

    @Override
    protected void computeInterpolate(Tensor a, Tensor b, float s, Tensor out) {
        elementwise.interpolate(CpuTensor.of(a), CpuTensor.of(b), s, CpuTensor.of(out));
    }

    @Override
    protected void computeNormal(long seed, Tensor out) {
        elementwise.normal(seed, CpuTensor.of(out));
    }

    @Override
    protected void computePatchify(Tensor video, PatchSize patch, Tensor tokens) {
        patches.patchify(CpuTensor.of(video), patch, CpuTensor.of(tokens));
    }

    @Override
    protected void computeUnpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        patches.unpatchify(CpuTensor.of(tokens), patch, CpuTensor.of(video));
    }

    @Override
    protected void computeAddPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        positions.compute(
                CpuTensor.of(x),
                CpuTensor.of(tableT),
                CpuTensor.of(tableH),
                CpuTensor.of(tableW),
                grid,
                CpuTensor.of(out));
    }

    @Override
    protected void computeAveragePool(Tensor x, Grid grid, Grid kernel, Tensor out) {
        pooling.compute(CpuTensor.of(x), grid, kernel, CpuTensor.of(out));
    }

    @Override
    protected void computeModulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        layerNorm.compute(CpuTensor.of(x), shift, scale, epsilon, CpuTensor.of(out));
    }

    @Override
    protected void computeGatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        rmsNorm.gated(CpuTensor.of(y), CpuTensor.of(z), weight, epsilon, CpuTensor.of(out));
    }

    @Override
    protected void computeHeadRmsNorm(Heads heads, Tensor weight, float epsilon) {
        rmsNorm.heads(heads, weight, epsilon);
    }

    @Override
    protected void computeGroupNorm(
            Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        groupNorm.compute(CpuTensor.of(x), groups, weight, bias, epsilon, silu, CpuTensor.of(out));
    }

    @Override
    protected void computeLinear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        kernels.begin();
        try {
            kernels.linear().compute(CpuTensor.of(x), weights, epilogue, CpuTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    protected void computeConvolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        kernels.begin();
        try {
            kernels.convolution().compute(CpuTensor.of(x), weights, CpuTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    protected void computeUpsampleNearest(Tensor x, Grid factor, Tensor out) {
        upsampling.compute(CpuTensor.of(x), factor, CpuTensor.of(out));
    }

    @Override
    protected void computeAttention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out) {
        kernels.begin();
        try {
            kernels.attention().attention(q, k, v, mask, CpuTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    protected void computeWindowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        kernels.begin();
        try {
            kernels.attention().windowAttention(q, k, v, grid, windows, bias, CpuTensor.of(out));
        } finally {
            kernels.end();
        }
    }

    @Override
    protected void computeSelectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        kernels.begin();
        try {
            kernels.selectiveScan().compute(input, path, spec, weights, accumulate, CpuTensor.of(y));
        } finally {
            kernels.end();
        }
    }

    @Override
    protected void computeCausalConvolution(
            Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        causalConvolution.compute(CpuTensor.of(x), column, path, weight, bias, CpuTensor.of(out));
    }

    @Override
    protected void computeDiagonalScan(
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

    private static void requireComputeType(DType dtype) {
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("products are formed in F32 or BF16, found " + dtype);
        }
    }
}
