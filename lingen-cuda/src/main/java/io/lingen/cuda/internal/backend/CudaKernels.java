package io.lingen.cuda.internal.backend;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.accounting.OperationMeter;
import io.lingen.core.backend.Backend;
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
import io.lingen.core.spi.TensorStore;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;
import io.lingen.cuda.internal.GraphRecorder;
import io.lingen.cuda.internal.SlabAllocator;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.op.Attention;
import io.lingen.cuda.internal.op.CudaConvolution;
import io.lingen.cuda.internal.op.CudaLinear;
import io.lingen.cuda.internal.op.DepthwiseConvolution;
import io.lingen.cuda.internal.op.Elementwise;
import io.lingen.cuda.internal.op.Gemm;
import io.lingen.cuda.internal.op.LinearAttention;
import io.lingen.cuda.internal.op.Norms;
import io.lingen.cuda.internal.op.Scans;
import io.lingen.cuda.internal.op.TokenOps;
import io.lingen.cuda.internal.op.Transfer;
import org.jspecify.annotations.Nullable;

/** The kernels of the backend "cuda", on one device with one stream. Operations start work and return. Only {@link #download} waits. */
public final class CudaKernels implements Kernels {
    /** The chunk size, large enough for GEMMs at full speed. The activations of a feed-forward layer stay below 0.5 GB. */
    private static final long TOKENS_PER_CHUNK = 16384;

    private final Device device;
    private final SlabAllocator blocks;
    private final Transfer transfer;
    private final Elementwise elementwise;
    private final TokenOps tokens;
    private final Norms norms;
    private final Gemm gemm;
    private final Attention attention;
    private final LinearAttention linearAttention;
    private final DepthwiseConvolution depthwiseConvolution;
    private final Scans scans;
    private final GraphRecorder recorder;

    /**
     * Creates kernels on a device.
     *
     * @param device the device, closed with these kernels
     * @param memoryLimit the largest size of tensors, weights and memory kept for reuse in bytes; the driver needs additional memory
     */
    CudaKernels(Device device, long memoryLimit) {
        this.device = device;
        blocks = new SlabAllocator(device, memoryLimit);
        elementwise = new Elementwise(device);
        transfer = new Transfer(device, blocks, elementwise);
        tokens = new TokenOps(device);
        norms = new Norms(device, blocks);
        gemm = new Gemm(device, blocks, elementwise);
        attention = new Attention(device);
        linearAttention = new LinearAttention(device, blocks);
        depthwiseConvolution = new DepthwiseConvolution(device);
        scans = new Scans(device, blocks);
        recorder = new GraphRecorder(device, blocks);
    }

    /**
     * {@return the kernels of a backend, for measurements}
     *
     * @param backend a backend "cuda"
     * @throws IllegalArgumentException if it is another backend
     */
    public static CudaKernels of(Backend backend) {
        TensorStore store = backend.store();
        if (store instanceof CudaKernels) {
            return (CudaKernels) store;
        }
        throw new IllegalArgumentException("backend must be cuda, found " + backend.name());
    }

    @Override
    public String name() {
        return CudaBackendProvider.NAME;
    }

    @Override
    public String description() {
        return CudaBackendProvider.describe(device.properties()) + "; GEMM: "
                + (device.hasCublas() ? "cuBLASLt" : "built-in kernels");
    }

    /** {@return the device, for measurements} */
    public Device device() {
        return device;
    }

    /** {@return the memory, for measurements} */
    public SlabAllocator pool() {
        return blocks;
    }

    /** {@return the recorder of CUDA graphs, for measurements} */
    public GraphRecorder recorder() {
        return recorder;
    }

    @Override
    public long availableBytes() {
        return blocks.availableBytes();
    }

    @Override
    public MemoryPool newMemoryPool() {
        return SlabAllocator.withoutMemory();
    }

    @Override
    public long tokensPerChunk() {
        return TOKENS_PER_CHUNK;
    }

    @Override
    public Workspace newWorkspace(MemoryMeter meter) {
        return new PooledWorkspace(blocks, meter, blocks::touched);
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
    public Recording newRecording(MemoryMeter memory, OperationMeter operations) {
        return recorder.newRecording(memory, operations);
    }

    private PooledTensor uploaded(Workspace workspace, HostTensor source, DType dtype) {
        PooledTensor tensor = PooledWorkspace.of(workspace).allocate(dtype, source.shape());
        transfer.write(source, tensor);
        source.unload();
        return tensor;
    }

    @Override
    public HostTensor download(Tensor tensor) {
        return transfer.read(PooledTensor.of(tensor));
    }

    @Override
    public LinearWeights packLinear(Workspace workspace, LinearParameters source, DType dtype) {
        HostTensor bias = source.bias();
        return new CudaLinear(
                uploaded(workspace, source.weight(), dtype),
                bias == null ? null : uploaded(workspace, bias, DType.F32),
                bias == null || dtype != DType.BF16 ? null : uploaded(workspace, bias, DType.BF16));
    }

    @Override
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionParameters source, DType dtype) {
        return new CudaConvolution(
                source,
                uploaded(workspace, CudaConvolution.byTaps(source), dtype),
                uploaded(workspace, source.bias(), DType.F32));
    }

    /** Waits for the device and frees all of its memory, including that of open workspaces. */
    @Override
    public void close() {
        recorder.close();
        blocks.close();
        device.close();
    }

    @Override
    public boolean downloadPixels(Tensor tensor, byte[] target) {
        return transfer.readPixels(PooledTensor.of(tensor), target);
    }

    @Override
    public void write(HostTensor source, Tensor target) {
        transfer.write(source, PooledTensor.of(target));
    }

    @Override
    public void copy(Tensor x, Tensor out) {
        elementwise.copy(PooledTensor.of(x), PooledTensor.of(out));
    }

    @Override
    public void add(Tensor a, Tensor b, Tensor out) {
        elementwise.addScaled(a, 1, b, out);
    }

    @Override
    public void multiply(Tensor a, Tensor b, Tensor out) {
        elementwise.multiply(a, b, out);
    }

    @Override
    public void addScaled(float alpha, Tensor x, Tensor y) {
        elementwise.addScaled(y, alpha, x, y);
    }

    @Override
    public void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        elementwise.interpolate(a, b, s, out);
    }

    @Override
    public void normal(long seed, Tensor out) {
        elementwise.normal(seed, PooledTensor.of(out));
    }

    @Override
    public void patchify(Tensor video, PatchSize patch, Tensor target) {
        tokens.patchify(video, patch, target);
    }

    @Override
    public void unpatchify(Tensor source, PatchSize patch, Tensor video) {
        tokens.unpatchify(source, patch, video);
    }

    @Override
    public void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        tokens.addPosition(x, tableT, tableH, tableW, grid, out);
    }

    @Override
    public void rotate(Heads heads, Rotation rotation) {
        tokens.rotate(heads, rotation);
    }

    @Override
    public void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out) {
        tokens.averagePool(x, grid, kernel, out);
    }

    @Override
    public void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        norms.modulatedLayerNorm(x, shift, scale, epsilon, out);
    }

    @Override
    public void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        norms.gatedRmsNorm(y, z, weight, epsilon, out);
    }

    @Override
    public void rmsNorm(Tensor x, Tensor weight, float epsilon, boolean silu, Tensor out) {
        norms.rmsNorm(x, weight, epsilon, silu, out);
    }

    @Override
    public void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        norms.headRmsNorm(heads, weight, epsilon);
    }

    @Override
    public void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        norms.groupNorm(x, groups, weight, bias, epsilon, silu, out);
    }

    @Override
    public void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        gemm.linear(x, CudaLinear.of(weights), epilogue, out);
    }

    @Override
    public void convolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        gemm.convolution(x, CudaConvolution.of(weights), out);
    }

    @Override
    public void gatedDepthwiseConvolution(Tensor x, Grid grid, Tensor weight, Tensor bias, Tensor out) {
        depthwiseConvolution.compute(x, grid, weight, bias, out);
    }

    @Override
    public void upsampleNearest(Tensor x, Dims3 factor, Tensor out) {
        tokens.upsample(x, factor, out);
    }

    @Override
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, Tensor out) {
        attention.attention(q, k, v, weights, out);
    }

    @Override
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        attention.windowAttention(q, k, v, grid, windows, bias, out);
    }

    @Override
    public void linearAttention(Heads q, Heads k, Heads v, Rotation rotation, Tensor out) {
        linearAttention.compute(q, k, v, rotation, out);
    }

    @Override
    public void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        scans.selective(input, path, spec, weights, accumulate, y);
    }

    @Override
    public void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        scans.causalConvolution(x, column, path, weight, bias, out);
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
        scans.diagonal(x, dt, bc, b, c, path, weights, accumulate, y);
    }
}
