package io.lingen.core.spi;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.HostMemory;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;

/**
 * Where a backend keeps tensors and packed weights, and the facts that plans depend on. {@link Kernels} adds transfers and computation; a
 * dry run is a store without kernels.
 *
 * <p>Arguments arrive checked by {@link io.lingen.core.backend.Backend}: types are F32 or BF16, tensors
 * and workspaces are owned by this store. Thread-safe.
 */
public interface TensorStore extends AutoCloseable {
    /** {@link #tokensPerChunk} unless a store overrides it. */
    long DEFAULT_TOKENS_PER_CHUNK = 4096;

    /** The name under which it is chosen: "cpu", "nd4j", "cuda". */
    String name();

    /** Human-readable one-line description of the device and the libraries in use. */
    String description();

    /** An estimate of the bytes that new tensors can take; by default the available memory of the host. */
    default long availableBytes() {
        return HostMemory.availableBytes();
    }

    /**
     * How many tokens a layer that mixes no tokens should process at a time: enough to fill the device, few enough that the tensor between
     * two products stays small.
     */
    default long tokensPerChunk() {
        return DEFAULT_TOKENS_PER_CHUNK;
    }

    /** A new, empty workspace that reports the bytes of its tensors to a meter. */
    Workspace newWorkspace(MemoryMeter meter);

    /** Whether a workspace was made by this store, not by another one of the same kind. */
    boolean owns(Workspace workspace);

    /** Whether a tensor belongs to a workspace of this store, not to another one of the same kind. */
    boolean owns(Tensor tensor);

    /** Packs a linear layer so that products are formed in {@code dtype}. */
    LinearWeights packLinear(Workspace workspace, LinearParameters source, DType dtype);

    /** Packs a convolution so that products are formed in {@code dtype}. */
    ConvolutionWeights packConvolution(Workspace workspace, ConvolutionParameters source, DType dtype);

    /**
     * The type in which weights of a type are stored when packed: another one where the device lacks products of that type. Convolutions
     * then convert their input and output as well.
     */
    default DType packedType(DType dtype) {
        return dtype;
    }

    /** A new pool with this store's policy of allocation; by default an exact one. Usable after this store is closed. */
    default MemoryPool newMemoryPool() {
        return MemoryPool.exact();
    }

    /** Called in place of {@link Kernels#convolution} where there are no kernels: accounts for its scratch memory. */
    default void skipConvolution(Tensor x, ConvolutionWeights weights, Tensor out) {}

    /** Frees everything held. Called once, after every workspace was closed or when one was leaked. */
    @Override
    void close();
}
