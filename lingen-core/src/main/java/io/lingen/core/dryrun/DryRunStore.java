package io.lingen.core.dryrun;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.spi.MemoryPool;
import io.lingen.core.spi.TensorStore;
import java.util.function.UnaryOperator;

/** A store of tensors without elements. Their bytes are taken from a pool. */
final class DryRunStore implements TensorStore {
    private final MemoryPool pool;
    private final long tokensPerChunk;
    private final UnaryOperator<DType> packedType;

    DryRunStore(MemoryPool pool, long tokensPerChunk, UnaryOperator<DType> packedType) {
        this.pool = pool;
        this.tokensPerChunk = tokensPerChunk;
        this.packedType = packedType;
    }

    MemoryPool pool() {
        return pool;
    }

    @Override
    public String name() {
        return "dry run";
    }

    @Override
    public String description() {
        return "tracks shapes, bytes and operations";
    }

    @Override
    public long tokensPerChunk() {
        return tokensPerChunk;
    }

    @Override
    public Workspace newWorkspace(MemoryMeter meter) {
        return new DryRunWorkspace(this, meter);
    }

    @Override
    public boolean owns(Workspace workspace) {
        return workspace instanceof DryRunWorkspace && ((DryRunWorkspace) workspace).store() == this;
    }

    @Override
    public boolean owns(Tensor tensor) {
        return tensor instanceof DryRunTensor && ((DryRunTensor) tensor).store() == this;
    }

    @Override
    public LinearWeights packLinear(Workspace workspace, LinearParameters source, DType dtype) {
        Shape weight = source.weight().shape();
        workspace.allocate(packedType(dtype), weight);
        if (source.bias() != null) {
            workspace.allocate(DType.F32, source.bias().shape());
        }
        return new PackedLinear(weight.length(1), weight.length(0), dtype);
    }

    @Override
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionParameters source, DType dtype) {
        workspace.allocate(packedType(dtype), source.weight().shape());
        workspace.allocate(DType.F32, source.bias().shape());
        return new PackedConvolution(source, dtype);
    }

    private record PackedLinear(long inFeatures, long outFeatures, DType dtype) implements LinearWeights {}

    private record PackedConvolution(ConvolutionParameters parameters, DType dtype) implements ConvolutionWeights {}

    @Override
    public DType packedType(DType dtype) {
        return packedType.apply(dtype);
    }

    @Override
    public void skipConvolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        DType packed = packedType(weights.dtype());
        if (packed != weights.dtype()) {
            pool.take(convertedBytes(x, packed) + convertedBytes(out, packed)).run();
        }
    }

    private static long convertedBytes(Tensor tensor, DType type) {
        return tensor.dtype() == type ? 0 : tensor.shape().elements() * type.bytes();
    }

    @Override
    public void close() {}
}
