package io.lingen.core.spi;

import io.lingen.core.HostTensor;
import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.accounting.OperationMeter;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.op.PatchSize;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import org.jspecify.annotations.Nullable;

/**
 * The computation of a backend: transfers, and one method per operation of {@link io.lingen.core.backend.Backend}, which documents shapes
 * and formulas under the same name.
 *
 * <p>Arguments arrive checked: shapes and types fit, tensors and workspaces are owned by this instance. Operations are
 * counted by the caller. They may be asynchronous on a device; downloads wait. Thread-safe.
 */
public interface Kernels extends TensorStore {
    /**
     * Captures work that repeats; by default the work runs each time.
     *
     * @param memory counts the tensors of replayed work
     * @param operations counts the operations of replayed work
     */
    default Recording newRecording(MemoryMeter memory, OperationMeter operations) {
        return Recording.NONE;
    }

    // ---- transfers

    /** A tensor that shares the memory of host elements, F32 or BF16; by default null: it can't be shared and is to be copied. */
    default @Nullable Tensor share(Workspace workspace, HostTensor source) {
        return null;
    }

    /** Overwrites a tensor's elements with those of an equally shaped host tensor, converted to the tensor's type. */
    void write(HostTensor source, Tensor target);

    /** Copies a tensor's elements to the host, as F32. */
    HostTensor download(Tensor tensor);

    /** Copies a tensor's elements, as F32, to an array of the same length. */
    default void download(Tensor tensor, float[] target) {
        download(tensor).copyTo(target);
    }

    /**
     * Copies a tensor's elements to an array of the same length as 8-bit pixels; by default rounded on the host.
     *
     * @return false if an element is NaN; the array's contents are then undefined
     */
    default boolean downloadPixels(Tensor tensor, byte[] target) {
        return PixelRounding.download(this, tensor, target);
    }

    // ---- elementwise

    void copy(Tensor x, Tensor out);

    void add(Tensor a, Tensor b, Tensor out);

    void addScaled(float alpha, Tensor x, Tensor y);

    void interpolate(Tensor a, Tensor b, float s, Tensor out);

    void normal(long seed, Tensor out);

    // ---- tokens

    void patchify(Tensor video, PatchSize patch, Tensor tokens);

    void unpatchify(Tensor tokens, PatchSize patch, Tensor video);

    void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out);

    void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out);

    // ---- norms

    void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out);

    void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out);

    void headRmsNorm(Heads heads, Tensor weight, float epsilon);

    void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out);

    // ---- products

    void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out);

    void convolution(Tensor x, ConvolutionWeights weights, Tensor out);

    void upsampleNearest(Tensor x, Dims3 factor, Tensor out);

    // ---- attention

    void attention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out);

    void windowAttention(Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out);

    // ---- scans

    void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y);

    void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out);

    void diagonalScan(
            Tensor x,
            Tensor dt,
            Tensor bc,
            long b,
            long c,
            ScanPath path,
            DiagonalScanWeights weights,
            boolean accumulate,
            Tensor y);
}
