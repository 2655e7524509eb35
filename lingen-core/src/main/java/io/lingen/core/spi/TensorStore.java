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
 * The storage of a backend: tensors, packed weights, and the facts that plans depend on. {@link Kernels} adds transfers and computation. A
 * dry run is a store without kernels.
 *
 * <p>Arguments are checked by {@link io.lingen.core.backend.Backend}: types are F32 or BF16, and tensors and workspaces belong to this
 * store. Implementations are thread-safe.
 */
public interface TensorStore extends AutoCloseable {
    /** The default of {@link #tokensPerChunk}. */
    long DEFAULT_TOKENS_PER_CHUNK = 4096;

    /** {@return the name that selects the backend, for example "cpu"} */
    String name();

    /** {@return a human-readable one-line description of the device and the libraries in use} */
    String description();

    /** {@return an estimate of the number of bytes available for new tensors} The default is the available memory of the host. */
    default long availableBytes() {
        return HostMemory.availableBytes();
    }

    /**
     * {@return the recommended number of tokens per chunk for layers that process each token independently} It is large enough to fill the
     * device, and small enough to bound the memory of activations.
     */
    default long tokensPerChunk() {
        return DEFAULT_TOKENS_PER_CHUNK;
    }

    /**
     * {@return a new, empty workspace}
     *
     * @param meter counts the bytes of the workspace's tensors and packed weights
     */
    Workspace newWorkspace(MemoryMeter meter);

    /**
     * {@return whether this store created a workspace} False for one of another store of the same kind.
     *
     * @param workspace of any store
     */
    boolean owns(Workspace workspace);

    /**
     * {@return whether a tensor belongs to a workspace of this store} False for one of another store of the same kind.
     *
     * @param tensor of any store
     */
    boolean owns(Tensor tensor);

    /**
     * Packs the parameters of a linear layer in the layout that the kernels read.
     *
     * @param workspace the owner of the packed weights
     * @param source the parameters
     * @param dtype the type of the GEMM's operands, F32 or BF16
     * @return the packed weights, whose {@code dtype()} is {@code dtype}
     */
    LinearWeights packLinear(Workspace workspace, LinearParameters source, DType dtype);

    /**
     * Packs the parameters of a convolution in the layout that the kernels read.
     *
     * @param workspace the owner of the packed weights
     * @param source the parameters
     * @param dtype the type of the GEMM's operands, F32 or BF16
     * @return the packed weights, whose {@code dtype()} is {@code dtype}
     */
    ConvolutionWeights packConvolution(Workspace workspace, ConvolutionParameters source, DType dtype);

    /**
     * {@return the type in which packed weights are stored} It differs from the argument if the device has no GEMM of that type.
     * Convolutions then convert their input and output as well. The default is the argument.
     *
     * @param dtype the type of the GEMM's operands, F32 or BF16
     */
    default DType packedType(DType dtype) {
        return dtype;
    }

    /**
     * {@return a new pool with the allocation policy of this store} It stays usable after this store is closed. The default is an exact
     * pool.
     */
    default MemoryPool newMemoryPool() {
        return MemoryPool.exact();
    }

    /**
     * Accounts for the scratch memory of a convolution. A dry run calls this method in place of {@link Kernels#convolution}.
     *
     * @param x the input
     * @param weights the packed convolution
     * @param out the output
     */
    default void skipConvolution(Tensor x, ConvolutionWeights weights, Tensor out) {}

    /** Frees all memory of this store, including that of workspaces that were not closed. Called once. */
    @Override
    void close();
}
