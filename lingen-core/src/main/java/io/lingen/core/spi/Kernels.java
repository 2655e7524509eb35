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
import io.lingen.core.op.Rotation;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import org.jspecify.annotations.Nullable;

/**
 * The computation of a backend: transfers, and one method per operation of {@link io.lingen.core.backend.Backend}, which documents
 * formulas, shapes and types.
 *
 * <p>Arguments are checked: shapes and types fit, and tensors and workspaces belong to this instance. The caller counts operations.
 * Implementations are thread-safe. They may run operations asynchronously on a device; downloads wait for their result.
 */
public interface Kernels extends TensorStore {
    /**
     * {@return a new recording for work that repeats} The default runs the work each time.
     *
     * @param memory counts the tensors of replayed work
     * @param operations counts the operations of replayed work
     */
    default Recording newRecording(MemoryMeter memory, OperationMeter operations) {
        return Recording.NONE;
    }

    // Transfers

    /**
     * {@return a tensor that shares the memory of host elements, or null if the elements must be copied} The default is null.
     *
     * @param workspace the owner of the tensor
     * @param source the elements, F32 or BF16
     */
    default @Nullable Tensor share(Workspace workspace, HostTensor source) {
        return null;
    }

    /**
     * Overwrites the elements of a tensor with host elements, converted to the type of the tensor.
     *
     * @param source the elements, of any type
     * @param target has the shape of the source
     */
    void write(HostTensor source, Tensor target);

    /**
     * Copies the elements of a tensor to the host.
     *
     * @param tensor F32 or BF16
     * @return the elements as F32
     */
    HostTensor download(Tensor tensor);

    /**
     * Copies the elements of a tensor, as F32, to an array.
     *
     * @param tensor F32 or BF16
     * @param target has as many entries as the tensor has elements
     */
    default void download(Tensor tensor, float[] target) {
        download(tensor).copyTo(target);
    }

    /**
     * Copies the elements of a tensor to an array as 8-bit pixels. The default rounds on the host.
     *
     * @param tensor F32 or BF16
     * @param target has as many entries as the tensor has elements
     * @return false if an element is NaN; the contents of the array are then undefined
     */
    default boolean downloadPixels(Tensor tensor, byte[] target) {
        return PixelRounding.download(this, tensor, target);
    }

    // Elementwise operations

    /**
     * Computes {@link io.lingen.core.backend.Backend#copy}.
     *
     * @param x any shape
     * @param out the copy
     */
    void copy(Tensor x, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#add}.
     *
     * @param a any shape
     * @param b the second term
     * @param out the sum; may be a or b
     */
    void add(Tensor a, Tensor b, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#multiply}.
     *
     * @param a any shape
     * @param b the second factor
     * @param out the product; may be a or b
     */
    void multiply(Tensor a, Tensor b, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#addScaled}.
     *
     * @param alpha the factor
     * @param x any shape
     * @param y the sum, updated in place
     */
    void addScaled(float alpha, Tensor x, Tensor y);

    /**
     * Computes {@link io.lingen.core.backend.Backend#interpolate}.
     *
     * @param a any shape
     * @param b the other end
     * @param s the position between a and b
     * @param out the result; may be a or b
     */
    void interpolate(Tensor a, Tensor b, float s, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#normal}.
     *
     * @param seed the key of the generator
     * @param out the noise
     */
    void normal(long seed, Tensor out);

    // Tokens

    /**
     * Computes {@link io.lingen.core.backend.Backend#patchify}.
     *
     * @param video [C, T, H, W]
     * @param patch the size of a patch
     * @param tokens [tokens, C * patch.cells()]
     */
    void patchify(Tensor video, PatchSize patch, Tensor tokens);

    /**
     * Computes {@link io.lingen.core.backend.Backend#unpatchify}.
     *
     * @param tokens [tokens, C * patch.cells()]
     * @param patch the size of a patch
     * @param video [C, T, H, W]
     */
    void unpatchify(Tensor tokens, PatchSize patch, Tensor video);

    /**
     * Computes {@link io.lingen.core.backend.Backend#addPosition}.
     *
     * @param x [grid.cells(), d]
     * @param tableT [at least grid.t(), d]
     * @param tableH [at least grid.h(), d]
     * @param tableW [at least grid.w(), d]
     * @param grid the grid of tokens
     * @param out has the shape of x; may be x
     */
    void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#rotate}.
     *
     * @param heads the vectors, updated in place
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     */
    void rotate(Heads heads, Rotation rotation);

    /**
     * Computes {@link io.lingen.core.backend.Backend#averagePool}.
     *
     * @param x [grid.cells(), d]
     * @param grid the grid of tokens
     * @param kernel the size of a block
     * @param out [grid.dividedBy(kernel).cells(), d]
     */
    void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out);

    // Norms

    /**
     * Computes {@link io.lingen.core.backend.Backend#modulatedLayerNorm}.
     *
     * @param x [n, d]
     * @param shift [d]
     * @param scale [d]
     * @param epsilon the number added to the variance
     * @param out [n, d]
     */
    void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#gatedRmsNorm}.
     *
     * @param y [n, d]
     * @param z [n, d], the gate
     * @param weight [d]
     * @param epsilon the number added to the mean square
     * @param out [n, d]; may be y
     */
    void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#rmsNorm}.
     *
     * @param x [n, d]
     * @param weight [d] in F32
     * @param epsilon the number added to the mean square
     * @param silu whether SiLU is applied to the result
     * @param out [n, d]; may be x
     */
    void rmsNorm(Tensor x, Tensor weight, float epsilon, boolean silu, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#headRmsNorm}.
     *
     * @param heads the vectors, updated in place
     * @param weight [headDim]
     * @param epsilon the number added to the mean square
     */
    void headRmsNorm(Heads heads, Tensor weight, float epsilon);

    /**
     * Computes {@link io.lingen.core.backend.Backend#groupNorm}.
     *
     * @param x [T, H, W, C]
     * @param groups the number of groups of channels
     * @param weight [C]
     * @param bias [C]
     * @param epsilon the number added to the variance
     * @param silu whether SiLU is applied to the result
     * @param out has the shape of x; may be x
     */
    void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out);

    // Linear layers and convolutions

    /**
     * Computes {@link io.lingen.core.backend.Backend#linear}.
     *
     * @param x [n, in]
     * @param weights the packed layer
     * @param epilogue the function applied to the sum
     * @param out [n, out]; the adding epilogues also read it
     */
    void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#convolution}.
     *
     * @param x [T, H, W, inChannels]
     * @param weights the packed convolution
     * @param out [T', H', W', outChannels]
     */
    void convolution(Tensor x, ConvolutionWeights weights, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#gatedDepthwiseConvolution}.
     *
     * @param x [grid.cells(), 2 channels]
     * @param grid the grid of cells
     * @param weight [2 channels, 3, 3]
     * @param bias [2 channels]
     * @param out [grid.cells(), channels]
     */
    void gatedDepthwiseConvolution(Tensor x, Grid grid, Tensor weight, Tensor bias, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#upsampleNearest}.
     *
     * @param x [T, H, W, C]
     * @param factor the number of repetitions on each axis
     * @param out [T', H', W', C]; the last cells of an axis may be repeated fewer times
     */
    void upsampleNearest(Tensor x, Dims3 factor, Tensor out);

    // Attention

    /**
     * Computes {@link io.lingen.core.backend.Backend#attention}.
     *
     * @param q n queries
     * @param k m keys
     * @param v m values
     * @param weights [m] in F32, the factors of the exponentials of the keys' scores; null for 1
     * @param out [n, q.width()]
     */
    void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#windowAttention}.
     *
     * @param q grid.cells() queries
     * @param k grid.cells() keys
     * @param v grid.cells() values
     * @param grid the grid of tokens
     * @param windows the partition of the grid
     * @param bias [heads, windows.offsets()], or null for none
     * @param out [grid.cells(), q.width()]
     */
    void windowAttention(Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#linearAttention}.
     *
     * @param q rotation.grid().cells() queries
     * @param k rotation.grid().cells() keys
     * @param v rotation.grid().cells() values
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     * @param out [rotation.grid().cells(), q.width()]
     */
    void linearAttention(Heads q, Heads k, Heads v, Rotation rotation, Tensor out);

    // Scans

    /**
     * Computes {@link io.lingen.core.backend.Backend#selectiveScan}.
     *
     * @param input the projection and its columns
     * @param path the order of the rows
     * @param spec the sizes of the scan
     * @param weights the parameters
     * @param accumulate whether the result is added to y or overwrites it
     * @param y [path.grid().cells(), di]
     */
    void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y);

    /**
     * Computes {@link io.lingen.core.backend.Backend#causalConvolution}.
     *
     * @param x [path.rows(), columns]
     * @param column the first of the channels' columns in x
     * @param path the order of the rows
     * @param weight [channels, taps]
     * @param bias [channels]
     * @param out [path.rows(), channels]
     */
    void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out);

    /**
     * Computes {@link io.lingen.core.backend.Backend#diagonalScan}.
     *
     * @param x [path.rows(), di]
     * @param dt [path.rows(), di]
     * @param bc [path.rows(), columns]
     * @param b the first column of B in bc
     * @param c the first column of C in bc
     * @param path the order of the rows
     * @param weights the parameters
     * @param accumulate whether the result is added to y or overwrites it
     * @param y [path.grid().cells(), di]
     */
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
