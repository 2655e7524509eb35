package io.lingen.cpu.internal.kernel;

import io.lingen.core.ConvolutionWeights;
import io.lingen.core.DType;
import io.lingen.cpu.internal.CpuTensor;
import io.lingen.cpu.internal.CpuWorkspace;

/** Convolutions: packs weights in its own layout and applies them. Thread-safe. */
public interface ConvolutionKernel {
    /** See {@link io.lingen.core.backend.Backend#packConvolution}. */
    ConvolutionWeights pack(CpuWorkspace workspace, ConvolutionWeights.Source source, DType dtype);

    /** See {@link io.lingen.core.backend.Backend#convolution}. The weights are of this kernel; shapes are checked. */
    void compute(CpuTensor x, ConvolutionWeights weights, CpuTensor out);
}
