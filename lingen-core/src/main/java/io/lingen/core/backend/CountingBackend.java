package io.lingen.core.backend;

import io.lingen.core.ConvolutionWeights;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.LinearWeights;
import io.lingen.core.Shape;
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
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A backend without memory that computes nothing: a model that runs on it has its shapes checked, its operations counted and its tensor
 * bytes summed as on a real one. So the need of a run is known before it starts, from the very code that will run. Its {@link #pool} counts
 * what a real backend would hold of the machine's memory for these tensors; scratch memory inside of an operation is not counted. Elements
 * can't be read: {@link #download} fails.
 */
public final class CountingBackend extends AbstractBackend {
    private final MemoryPool pool;
    private final long tokensPerChunk;
    private final UnaryOperator<DType> packedType;

    /** Counts the bytes of tensors, no more. */
    public CountingBackend() {
        this(new ExactPool());
    }

    /** @param pool the bookkeeping of the backend that it stands for */
    public CountingBackend(MemoryPool pool) {
        this(pool, DEFAULT_TOKENS_PER_CHUNK);
    }

    /**
     * @param pool the bookkeeping of the backend that it stands for
     * @param packedType the type in which that backend packs weights of a type; if it is another, convolutions convert what they take and
     *     give
     */
    public CountingBackend(MemoryPool pool, UnaryOperator<DType> packedType) {
        this(pool, DEFAULT_TOKENS_PER_CHUNK, packedType);
    }

    /**
     * @param pool the bookkeeping of the backend that it stands for
     * @param tokensPerChunk that backend's
     */
    public CountingBackend(MemoryPool pool, long tokensPerChunk) {
        this(pool, tokensPerChunk, UnaryOperator.identity());
    }

    private CountingBackend(MemoryPool pool, long tokensPerChunk, UnaryOperator<DType> packedType) {
        this.pool = pool;
        this.tokensPerChunk = tokensPerChunk;
        this.packedType = packedType;
    }

    /** What is held for its tensors. */
    public MemoryPool pool() {
        return pool;
    }

    @Override
    public String name() {
        return "counting";
    }

    @Override
    public long tokensPerChunk() {
        return tokensPerChunk;
    }

    @Override
    public String description() {
        return "counts bytes and operations, computes nothing";
    }

    @Override
    public boolean computes() {
        return false;
    }

    @Override
    public Workspace newWorkspace() {
        return new CountingWorkspace(memory(), pool);
    }

    @Override
    public Tensor upload(Workspace workspace, HostTensor source, DType dtype) {
        return workspace.allocate(dtype, source.shape());
    }

    @Override
    public HostTensor download(Tensor tensor) {
        throw new UnsupportedOperationException("the counting backend has no elements, found a download of "
                + tensor.shape() + "; run the model on a real backend");
    }

    @Override
    public LinearWeights packLinear(Workspace workspace, LinearWeights.Source source, DType dtype) {
        Shape weight = source.weight().shape();
        workspace.allocate(packedType.apply(dtype), weight);
        if (source.bias() != null) {
            workspace.allocate(DType.F32, source.bias().shape());
        }
        return new CountedLinear(weight.length(1), weight.length(0), dtype);
    }

    @Override
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionWeights.Source source, DType dtype) {
        workspace.allocate(packedType.apply(dtype), source.weight().shape());
        workspace.allocate(DType.F32, source.bias().shape());
        return new CountedConvolution(source, dtype);
    }

    @Override
    public void close() {}

    @Override
    protected void computeWrite(HostTensor source, Tensor target) {}

    @Override
    protected void computeCopy(Tensor x, Tensor out) {}

    @Override
    protected void computeAdd(Tensor a, Tensor b, Tensor out) {}

    @Override
    protected void computeAddScaled(float alpha, Tensor x, Tensor y) {}

    @Override
    protected void computeInterpolate(Tensor a, Tensor b, float s, Tensor out) {}

    @Override
    protected void computeNormal(long seed, Tensor out) {}

    @Override
    protected void computePatchify(Tensor video, PatchSize patch, Tensor tokens) {}

    @Override
    protected void computeUnpatchify(Tensor tokens, PatchSize patch, Tensor video) {}

    @Override
    protected void computeAddPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {}

    @Override
    protected void computeAveragePool(Tensor x, Grid grid, Grid kernel, Tensor out) {}

    @Override
    protected void computeModulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {}

    @Override
    protected void computeGatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {}

    @Override
    protected void computeHeadRmsNorm(Heads heads, Tensor weight, float epsilon) {}

    @Override
    protected void computeGroupNorm(
            Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {}

    @Override
    protected void computeLinear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {}

    @Override
    protected void computeConvolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        DType packed = packedType.apply(weights.dtype());
        if (packed != weights.dtype()) {
            pool.take(converted(x, packed) + converted(out, packed)).run();
        }
    }

    private static long converted(Tensor tensor, DType type) {
        return tensor.dtype() == type ? 0 : tensor.shape().elements() * type.bytes();
    }

    @Override
    protected void computeUpsampleNearest(Tensor x, Grid factor, Tensor out) {}

    @Override
    protected void computeAttention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out) {}

    @Override
    protected void computeWindowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {}

    @Override
    protected void computeSelectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {}

    @Override
    protected void computeCausalConvolution(
            Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {}

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
            Tensor y) {}

    private record CountedLinear(long inFeatures, long outFeatures, DType dtype) implements LinearWeights {}

    private record CountedConvolution(ConvolutionWeights.Source source, DType dtype) implements ConvolutionWeights {}

    private record CountedTensor(DType dtype, Shape shape) implements Tensor {
        @Override
        public Tensor reshape(Shape other) {
            return new CountedTensor(dtype, shape.reshape(other));
        }

        @Override
        public Tensor slice(long from, long to) {
            return new CountedTensor(dtype, shape.slice(from, to));
        }

        @Override
        public @Nullable MemorySegment hostMemory() {
            return null;
        }
    }

    private static final class CountingWorkspace implements Workspace {
        private final MemoryMeter memory;
        private final MemoryPool pool;
        private final List<Runnable> taken = new ArrayList<>();
        private long bytes;
        private boolean closed;

        CountingWorkspace(MemoryMeter memory, MemoryPool pool) {
            this.memory = memory;
            this.pool = pool;
        }

        @Override
        public Tensor allocate(DType dtype, Shape shape) {
            if (closed) {
                throw new IllegalStateException("this workspace is closed, found an allocation of " + shape);
            }
            if (!dtype.isComputeType()) {
                throw new IllegalArgumentException("tensors are F32 or BF16, found " + dtype);
            }
            Tensor tensor = new CountedTensor(dtype, shape);
            memory.allocated(tensor.byteSize());
            bytes += tensor.byteSize();
            taken.add(pool.take(tensor.byteSize()));
            return tensor;
        }

        @Override
        public void close() {
            if (!closed) {
                memory.freed(bytes);
                taken.forEach(Runnable::run);
                closed = true;
            }
        }
    }
}
