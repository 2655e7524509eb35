package io.lingen.core.backend;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.accounting.OperationKind;
import io.lingen.core.accounting.OperationMeter;
import io.lingen.core.internal.PhiloxNormal;
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
import io.lingen.core.spi.TensorStore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A device and its operations on {@linkplain Tensor tensors}, from elementwise arithmetic to attention and scans. Each operation writes
 * its result to an output that the caller has allocated. {@link Backends#create} creates a backend.
 *
 * {@snippet :
 * try (Backend backend = Backends.create("auto", BackendOptions.defaults());
 *         Workspace workspace = backend.newWorkspace()) {
 *     Tensor x = backend.upload(workspace, HostTensor.of(new float[] {1, 2, 3}, 3), DType.F32);
 *     Tensor y = workspace.allocate(DType.F32, 3);
 *     backend.add(x, x, y);
 *     float[] sums = backend.download(y).toFloats(); // 2, 4, 6
 * }
 * }
 *
 * <h2>Conventions</h2>
 *
 * <dl>
 *   <dt>Shapes
 *   <dd>Tensors are row-major. Where a matrix [n, d] is expected, a tensor of higher rank is read as the matrix [product of the leading
 *       lengths, last length]. The tokens of a {@link Grid} are rows in the order (t, h, w).
 *   <dt>Types
 *   <dd>Inputs and outputs are F32 or BF16 in any mixture. Parameters that are not packed are F32: shifts, scales, gates, biases, tables,
 *       and the weights of norms and of attention keys.
 *   <dt>Precision
 *   <dd>Sums, statistics, exponentials, scan states and softmax are computed in F32. Linear layers and convolutions round the operands of
 *       their matrix products to BF16 if the packed weights are BF16. Attention and scans round them if the tensors are BF16.
 *   <dt>Aliasing
 *   <dd>An output must not overlap an input unless the operation allows it.
 *   <dt>Errors
 *   <dd>Every operation checks its arguments before it writes anything. It throws {@link IllegalArgumentException} if shapes or types do
 *       not fit, or if a tensor or workspace belongs to another backend, even to one of the same kind.
 *   <dt>Order
 *   <dd>Operations that one thread calls take effect in the order of the calls. A device may run them asynchronously. A download waits
 *       until its tensor is computed.
 * </dl>
 *
 * <h2>Dry runs</h2>
 *
 * <p>This class checks arguments and counts operations. The {@link Kernels} of an implementation compute the results. A backend without
 * kernels is a dry run: its tensors have shapes but no elements, and its operations are checked and counted but not computed. See {@link
 * io.lingen.core.dryrun.DryRun}.
 *
 * <h2>Threads</h2>
 *
 * <p>Thread-safe. Threads may run operations on different tensors concurrently.
 */
public final class Backend implements AutoCloseable {
    private final TensorStore store;
    private final @Nullable Kernels kernels;
    private final Checks checks;
    private final MemoryMeter memory = new MemoryMeter();
    private final OperationMeter operations = new OperationMeter();

    /**
     * Creates a backend on an implementation. Users call {@link Backends#create} instead.
     *
     * @param store {@link Kernels} to compute with, or another store for a dry run; closed with this backend
     */
    public Backend(TensorStore store) {
        this.store = store;
        this.kernels = store instanceof Kernels ? (Kernels) store : null;
        this.checks = new Checks(store);
    }

    /** {@return the name that selects this backend, for example "cpu", "cuda" or "nd4j"} */
    public String name() {
        return store.name();
    }

    /** {@return a human-readable one-line description of the device and the libraries in use} */
    public String description() {
        return store.description();
    }

    /** {@return the implementation, for dry runs and measurements} Models do not use it. */
    public TensorStore store() {
        return store;
    }

    /** {@return the counter of the bytes of all tensors and packed weights on this backend} */
    public MemoryMeter memory() {
        return memory;
    }

    /** {@return an estimate of the number of bytes available for new tensors} */
    public long availableBytes() {
        return store.availableBytes();
    }

    /** {@return whether this backend computes results} A dry run does not: it tracks shapes only and reads no elements of weights. */
    public boolean computes() {
        return kernels != null;
    }

    /** {@return the counter of the floating-point operations of this backend} */
    public OperationMeter operations() {
        return operations;
    }

    /**
     * {@return the recommended number of tokens per chunk for layers that process each token independently} It is large enough to fill the
     * device, and small enough to bound the memory of activations.
     */
    public long tokensPerChunk() {
        return store.tokensPerChunk();
    }

    /** {@return a new, empty workspace, to be closed by the caller before this backend} */
    public Workspace newWorkspace() {
        return store.newWorkspace(memory);
    }

    /**
     * {@return a new recording for work that repeats, to be closed by the caller before this backend} On a backend that cannot replay work,
     * the recording runs it each time.
     */
    public Recording newRecording() {
        return kernels == null ? Recording.NONE : kernels.newRecording(memory, operations);
    }

    // Transfers

    /**
     * Copies host elements to a new tensor. If the source is a mapped file, its pages may be evicted afterwards.
     *
     * @param workspace the owner of the tensor
     * @param source the elements, of any type
     * @param dtype the type of the tensor, F32 or BF16; elements are converted to it
     * @return the tensor, with the shape of the source
     * @throws io.lingen.core.OutOfMemoryException if the backend has too little memory
     */
    public Tensor upload(Workspace workspace, HostTensor source, DType dtype) {
        checks.workspace("upload", workspace);
        Tensor tensor = workspace.allocate(dtype, source.shape());
        compute(kernels -> {
            kernels.write(source, tensor);
            source.unload();
        });
        return tensor;
    }

    /**
     * Returns host elements as a tensor of the same type and shape. The tensor shares the memory of the source if the backend computes in
     * host memory and the elements lie outside the Java heap; otherwise it is a copy.
     *
     * <p>Writes to a shared tensor are visible in the source, and vice versa. {@link #memory} does not count a shared tensor.
     *
     * @param workspace the owner of the tensor; the source must not be freed while the workspace is open
     * @param source the elements, F32 or BF16; must not be a mapped file if the tensor is written to
     * @return the tensor
     * @throws io.lingen.core.OutOfMemoryException if the elements have to be copied and the backend has too little memory
     */
    public Tensor borrow(Workspace workspace, HostTensor source) {
        checks.workspace("borrow", workspace);
        Checks.gemmType(source.dtype());
        Tensor shared = kernels == null ? null : kernels.share(workspace, source);
        return shared != null ? shared : upload(workspace, source, source.dtype());
    }

    /**
     * Copies the elements of a tensor to the host.
     *
     * @param tensor F32 or BF16
     * @return the elements as F32
     * @throws UnsupportedOperationException in a dry run
     */
    public HostTensor download(Tensor tensor) {
        checks.download(tensor);
        return kernelsToDownload(tensor).download(tensor);
    }

    /**
     * Copies the elements of a tensor, as F32, to an array.
     *
     * @param tensor F32 or BF16
     * @param target has as many entries as the tensor has elements
     * @throws UnsupportedOperationException in a dry run
     */
    public void download(Tensor tensor, float[] target) {
        checks.download(tensor, target);
        kernelsToDownload(tensor).download(tensor, target);
    }

    /**
     * Copies the elements of a tensor to an array as 8-bit pixels. The range [-1, 1] maps to 0 to 255, rounded to the nearest; values
     * outside it are clamped.
     *
     * @param tensor F32 or BF16
     * @param target has as many entries as the tensor has elements
     * @throws ArithmeticException if an element is NaN; the contents of the array are then undefined
     * @throws UnsupportedOperationException in a dry run
     */
    public void downloadPixels(Tensor tensor, byte[] target) {
        checks.downloadPixels(tensor, target);
        if (!kernelsToDownload(tensor).downloadPixels(tensor, target)) {
            throw new ArithmeticException("pixels must be numbers, found NaN");
        }
    }

    /**
     * Overwrites the elements of a tensor with host elements.
     *
     * @param source the elements, of any type; converted to the type of the target
     * @param target has the shape of the source
     */
    public void write(HostTensor source, Tensor target) {
        checks.write(source, target);
        compute(kernels -> kernels.write(source, target));
    }

    /**
     * Packs the parameters of a linear layer in the layout that the kernels read.
     *
     * @param workspace the owner of the packed weights
     * @param source the parameters
     * @param dtype the type of the GEMM's operands, F32 or BF16
     * @return the packed weights
     * @throws io.lingen.core.OutOfMemoryException if the backend has too little memory
     */
    public LinearWeights packLinear(Workspace workspace, LinearParameters source, DType dtype) {
        checks.workspace("packLinear", workspace);
        Checks.gemmType(dtype);
        return store.packLinear(workspace, source, dtype);
    }

    /**
     * Packs the parameters of a convolution in the layout that the kernels read.
     *
     * @param workspace the owner of the packed weights
     * @param source the parameters
     * @param dtype the type of the GEMM's operands, F32 or BF16
     * @return the packed weights
     * @throws io.lingen.core.OutOfMemoryException if the backend has too little memory
     */
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionParameters source, DType dtype) {
        checks.workspace("packConvolution", workspace);
        Checks.gemmType(dtype);
        return store.packConvolution(workspace, source, dtype);
    }

    // Elementwise operations

    /**
     * Computes out = x, converted to the type of the output.
     *
     * @param x any shape
     * @param out has as many elements as x
     */
    public void copy(Tensor x, Tensor out) {
        checks.copy(x, out);
        compute(kernels -> kernels.copy(x, out));
    }

    /**
     * Computes out = a + b.
     *
     * @param a any shape
     * @param b has the shape of a
     * @param out has the shape of a; may be a or b
     */
    public void add(Tensor a, Tensor b, Tensor out) {
        checks.add(a, b, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.add(a, b, out));
    }

    /**
     * Computes out = a * b, element by element.
     *
     * @param a any shape
     * @param b has the shape of a
     * @param out has the shape of a; may be a or b
     */
    public void multiply(Tensor a, Tensor b, Tensor out) {
        checks.multiply(a, b, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.multiply(a, b, out));
    }

    /**
     * Computes y += alpha * x, for example the Euler step of a sampler.
     *
     * @param alpha the factor
     * @param x any shape
     * @param y has the shape of x
     */
    public void addScaled(float alpha, Tensor x, Tensor y) {
        checks.addScaled(x, y);
        operations.add(OperationKind.ELEMENTWISE, y.shape().elements());
        compute(kernels -> kernels.addScaled(alpha, x, y));
    }

    /**
     * Computes out = a + s * (b - a), for example classifier-free guidance of scale s. The result extrapolates if s is above 1.
     *
     * @param a any shape
     * @param b has the shape of a
     * @param s the position between a and b: 0 gives a, and 1 gives b
     * @param out has the shape of a; may be a or b
     */
    public void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        checks.interpolate(a, b, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.interpolate(a, b, s, out));
    }

    /**
     * Fills a tensor with standard normal noise. Element i is {@link PhiloxNormal#at(long, long) PhiloxNormal.at(seed, i)}, so the noise is
     * identical on every backend.
     *
     * @param seed the key of the generator
     * @param out any shape
     */
    public void normal(long seed, Tensor out) {
        checks.normal(out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.normal(seed, out));
    }

    // Tokens

    /**
     * Cuts a video into patches, one per token. A token is its patch flattened as (channel, t, h, w).
     *
     * @param video [C, T, H, W]; T, H and W are multiples of the patch
     * @param patch the size of a patch
     * @param tokens the output, [T * H * W / patch.cells(), C * patch.cells()]
     */
    public void patchify(Tensor video, PatchSize patch, Tensor tokens) {
        checks.patchify(video, patch, tokens);
        compute(kernels -> kernels.patchify(video, patch, tokens));
    }

    /**
     * Assembles a video from patches: the inverse of {@link #patchify}.
     *
     * @param tokens [T * H * W / patch.cells(), C * patch.cells()]
     * @param patch the size of a patch
     * @param video the output, [C, T, H, W]; T, H and W are multiples of the patch
     */
    public void unpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        checks.unpatchify(tokens, patch, video);
        compute(kernels -> kernels.unpatchify(tokens, patch, video));
    }

    /**
     * Computes out[t, h, w] = x[t, h, w] + tableT[t] + tableH[h] + tableW[w].
     *
     * @param x [grid.cells(), d]
     * @param tableT [at least grid.t(), d] in F32
     * @param tableH [at least grid.h(), d] in F32
     * @param tableW [at least grid.w(), d] in F32
     * @param grid the grid of tokens
     * @param out has the shape of x; may be x
     */
    public void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        checks.addPosition(x, tableT, tableH, tableW, grid, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.addPosition(x, tableT, tableH, tableW, grid, out));
    }

    /**
     * Rotates the vector of every token and head by the position of the token: rotary position embedding.
     *
     * @param heads rotation.grid().cells() tokens of the head dimension rotation.headDim(), updated in place
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     */
    public void rotate(Heads heads, Rotation rotation) {
        checks.rotate(heads, rotation);
        operations.add(OperationKind.ELEMENTWISE, heads.tokens() * heads.width());
        compute(kernels -> kernels.rotate(heads, rotation));
    }

    /**
     * Averages the tokens of each block of a grid. The kernel is both the size of a block and the stride between blocks. A block at the end
     * of an axis may be smaller; its average is over the tokens inside the grid.
     *
     * @param x [grid.cells(), d]
     * @param grid the grid of tokens
     * @param kernel the size of a block
     * @param out [grid.dividedBy(kernel).cells(), d]
     */
    public void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out) {
        checks.averagePool(x, grid, kernel, out);
        operations.add(OperationKind.ELEMENTWISE, x.shape().elements());
        compute(kernels -> kernels.averagePool(x, grid, kernel, out));
    }

    // Norms

    /**
     * Computes out = LayerNorm(x) * (1 + scale) + shift. The norm runs over the last axis. It uses the biased variance and has no learned
     * weight or bias.
     *
     * @param x [n, d]
     * @param shift [d] in F32
     * @param scale [d] in F32
     * @param epsilon the number added to the variance
     * @param out [n, d]
     */
    public void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        checks.modulatedLayerNorm(x, shift, scale, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.modulatedLayerNorm(x, shift, scale, epsilon, out));
    }

    /**
     * Computes out = RMSNorm(y * SiLU(z)) * weight. The norm runs over the last axis.
     *
     * @param y [n, d]
     * @param z [n, d], the gate
     * @param weight [d] in F32
     * @param epsilon the number added to the mean square
     * @param out [n, d]; may be y
     */
    public void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        checks.gatedRmsNorm(y, z, weight, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.gatedRmsNorm(y, z, weight, epsilon, out));
    }

    /**
     * Computes out = RMSNorm(x) * weight, or SiLU(RMSNorm(x) * weight), with RMSNorm(x) = x / sqrt(mean(x^2) + epsilon) (Zhang and
     * Sennrich, "Root Mean Square Layer Normalization", 2019). The norm runs over the last axis.
     *
     * @param x [n, d]
     * @param weight [d] in F32
     * @param epsilon the number added to the mean square; greater than 0 if a row may be zero
     * @param silu whether SiLU is applied to the result
     * @param out [n, d]; may be x
     */
    public void rmsNorm(Tensor x, Tensor weight, float epsilon, boolean silu, Tensor out) {
        checks.rmsNorm(x, weight, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.rmsNorm(x, weight, epsilon, silu, out));
    }

    /**
     * Replaces the vector of every token and head by RMSNorm(vector) * weight, for example to normalize queries and keys.
     *
     * @param heads the vectors, updated in place
     * @param weight [headDim] in F32
     * @param epsilon the number added to the mean square
     */
    public void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        checks.headRmsNorm(heads, weight);
        operations.add(OperationKind.ELEMENTWISE, heads.tokens() * heads.width());
        compute(kernels -> kernels.headRmsNorm(heads, weight, epsilon));
    }

    /**
     * Computes the group norm of a channels-last video with statistics per frame, optionally followed by SiLU.
     *
     * @param x [T, H, W, C]
     * @param groups the number of groups of channels, a divisor of C
     * @param weight [C] in F32
     * @param bias [C] in F32
     * @param epsilon the number added to the variance
     * @param silu whether SiLU is applied to the result
     * @param out has the shape of x; may be x
     */
    public void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        checks.groupNorm(x, groups, weight, bias, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.groupNorm(x, groups, weight, bias, epsilon, silu, out));
    }

    // Linear layers and convolutions

    /**
     * Computes out = epilogue(x W^T + bias). x is rounded to the type of the weights.
     *
     * @param x [n, in]
     * @param weights the packed layer
     * @param epilogue the function applied to the sum
     * @param out [n, out]; {@link Epilogue.Kind#ADD} and {@link Epilogue.Kind#GATED_ADD} add to it
     */
    public void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        checks.linear(x, weights, epilogue, out);
        operations.add(OperationKind.LINEAR, Flops.linear(x, weights));
        compute(kernels -> kernels.linear(x, weights, epilogue, out));
    }

    /**
     * Computes a zero-padded convolution over a channels-last video. x is rounded to the type of the weights.
     *
     * @param x [T, H, W, inChannels]
     * @param weights the packed convolution
     * @param out has the shape {@link ConvolutionParameters#outputOf}, which rejects an input that is shorter than the kernel
     */
    public void convolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        checks.convolution(x, weights, out);
        operations.add(OperationKind.CONVOLUTION, Flops.convolution(weights, out));
        if (kernels == null) {
            store.skipConvolution(x, weights, out);
        } else {
            kernels.convolution(x, weights, out);
        }
    }

    /**
     * Computes SiLU, a depthwise convolution in each frame, and a gate, the middle of a gated feed-forward network with convolutions
     * (Xie et al., "SANA", 2024): y = convolution(SiLU(x)) + bias over 3 x 3 cells with zeros around each frame, and out =
     * a * SiLU(b), where a is the first half of the channels of y and b the second half.
     *
     * <p>Frames are independent, so the rows of any number of whole frames may be passed at once.
     *
     * @param x [grid.cells(), 2 channels]
     * @param grid the grid of cells
     * @param weight [2 channels, 3, 3] in F32, or the same elements in another shape
     * @param bias [2 channels] in F32
     * @param out [grid.cells(), channels]
     */
    public void gatedDepthwiseConvolution(Tensor x, Grid grid, Tensor weight, Tensor bias, Tensor out) {
        checks.gatedDepthwiseConvolution(x, grid, weight, bias, out);
        operations.add(OperationKind.CONVOLUTION, Flops.gatedDepthwiseConvolution(x));
        compute(kernels -> kernels.gatedDepthwiseConvolution(x, grid, weight, bias, out));
    }

    /**
     * Repeats every cell of a channels-last video: nearest-neighbor upsampling. The last cells of an axis may be repeated fewer times, so
     * that the results of {@link #averagePool} can be spread over the blocks of any grid.
     *
     * @param x [T, H, W, C]
     * @param factor the number of repetitions on each axis
     * @param out [T', H', W', C], where T' is at most T * factor.t() and above (T - 1) * factor.t(), and so on for H' and W'
     */
    public void upsampleNearest(Tensor x, Dims3 factor, Tensor out) {
        checks.upsampleNearest(x, factor, out);
        compute(kernels -> kernels.upsampleNearest(x, factor, out));
    }

    // Attention

    /**
     * Computes full attention, out = softmax(q k^T / sqrt(headDim)) v for each head. A key of weight w counts like w equal keys: the
     * exponential of its score is multiplied by w. A weight of 0 excludes the key. Weights of 1 give exactly the result without weights.
     *
     * @param q n queries
     * @param k m keys, with the heads and head dimension of q
     * @param v m values, with the heads and head dimension of q
     * @param weights [m] in F32, finite and at least 0, with at least one greater than 0; otherwise the result is undefined. Null means a
     *     weight of 1 for every key
     * @param out [n, q.width()]
     */
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, Tensor out) {
        checks.attention(q, k, v, weights, out);
        operations.add(OperationKind.ATTENTION, Flops.attention(q, k));
        compute(kernels -> kernels.attention(q, k, v, weights, out));
    }

    /**
     * Computes full attention inside each window of a grid. The tokens of a window are read in place, without a copy.
     *
     * @param q grid.cells() queries
     * @param k grid.cells() keys, with the heads and head dimension of q
     * @param v grid.cells() values, with the heads and head dimension of q
     * @param grid the grid of tokens
     * @param windows the partition of the grid
     * @param bias [heads, windows.offsets()] in F32, added to the scores; null for none. With window lengths wt, wh and ww, the column for
     *     the query at (qt, qh, qw) and the key at (kt, kh, kw) is the row-major index of (qt - kt + wt - 1, qh - kh + wh - 1,
     *     qw - kw + ww - 1) in an array of the lengths (2 wt - 1, 2 wh - 1, 2 ww - 1)
     * @param out [grid.cells(), q.width()]
     */
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        checks.windowAttention(q, k, v, grid, windows, bias, out);
        operations.add(OperationKind.WINDOW_ATTENTION, Flops.windowAttention(q, grid, windows));
        compute(kernels -> kernels.windowAttention(q, k, v, grid, windows, bias, out));
    }

    /**
     * Computes linear attention with rotary positions (Chen et al., "SANA-Video", 2025), whose cost grows linearly with the
     * number of tokens. For each head, with q' = ReLU(q), k' = ReLU(k), and R<sub>n</sub> the rotation of token n,
     *
     * <p>out<sub>n</sub> = S R<sub>n</sub>q'<sub>n</sub> / (z . q'<sub>n</sub> + 1e-15), where S is the sum of v<sub>m</sub>
     * (R<sub>m</sub>k'<sub>m</sub>)<sup>T</sup> over all tokens m, and z is the sum of k'<sub>m</sub>. The divisor is not rotated.
     *
     * @param q rotation.grid().cells() queries of the head dimension rotation.headDim()
     * @param k as many keys, with the heads and head dimension of q
     * @param v as many values, with the heads and head dimension of q
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     * @param out [rotation.grid().cells(), q.width()]
     */
    public void linearAttention(Heads q, Heads k, Heads v, Rotation rotation, Tensor out) {
        checks.linearAttention(q, k, v, rotation, out);
        operations.add(OperationKind.ATTENTION, Flops.linearAttention(q));
        compute(kernels -> kernels.linearAttention(q, k, v, rotation, out));
    }

    // Scans

    /**
     * Computes one direction of a Mamba2 selective scan, from the projection to y (specification, section 3; Dao and Gu, "Transformers are
     * SSMs", 2024). It consists of a causal depthwise convolution and SiLU over x, B and C, softplus of dt, the recurrence of the state,
     * and the skip connection. Rows are visited along the path. {@linkplain ScanPath#warmUpSteps Warm-up steps} have no output.
     *
     * @param input the projection [path.rows(), columns] and its columns
     * @param path the order of the rows
     * @param spec the sizes of the scan
     * @param weights the parameters
     * @param accumulate whether the result is added to y, to sum both directions; otherwise it overwrites y
     * @param y the output, [path.grid().cells(), spec.innerWidth()]
     */
    public void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        checks.selectiveScan(input, path, spec, weights, y);
        operations.add(OperationKind.SCAN, Flops.selectiveScan(path, spec));
        compute(kernels -> kernels.selectiveScan(input, path, spec, weights, accumulate, y));
    }

    /**
     * Computes a causal depthwise convolution along a path, followed by SiLU. The output of a token has the same row as its input.
     *
     * @param x [path.rows(), columns]
     * @param column the first column of the channels in x
     * @param path the order of the rows
     * @param weight [channels, taps] in F32; the last tap applies to the current token
     * @param bias [channels] in F32
     * @param out [path.rows(), channels]; rows that a backward path omits are set to 0
     */
    public void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        checks.causalConvolution(x, column, path, weight, bias, out);
        operations.add(OperationKind.SCAN, Flops.causalConvolution(path, weight));
        compute(kernels -> kernels.causalConvolution(x, column, path, weight, bias, out));
    }

    /**
     * Computes one direction of a Mamba1 selective scan (Gu and Dao, "Mamba", 2023): h = exp(dt A) h + dt B x and y = C h + D x per
     * channel, with dt = softplus(dt + dtBias). Rows are visited along the path. {@linkplain ScanPath#warmUpSteps Warm-up steps} have no
     * output.
     *
     * @param x [path.rows(), di], where di is the number of channels
     * @param dt [path.rows(), di], before bias and softplus
     * @param bc [path.rows(), columns], with n columns of B and n columns of C, where n is the size of the state per channel
     * @param b the first column of B in bc
     * @param c the first column of C in bc
     * @param path the order of the rows
     * @param weights the parameters
     * @param accumulate whether the result is added to y, to sum both directions; otherwise it overwrites y
     * @param y the output, [path.grid().cells(), di]
     */
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
        checks.diagonalScan(x, dt, bc, b, c, path, weights, y);
        operations.add(OperationKind.SCAN, Flops.diagonalScan(path, weights));
        compute(kernels -> kernels.diagonalScan(x, dt, bc, b, c, path, weights, accumulate, y));
    }

    /**
     * Frees all memory of this backend. Close all workspaces first.
     *
     * @throws IllegalStateException if a workspace is still open; the memory is freed all the same, so its tensors are invalid
     */
    @Override
    public void close() {
        long live = memory.liveBytes();
        store.close();
        if (live > 0) {
            throw new IllegalStateException("workspaces of the " + name() + " backend must be closed before it, found "
                    + live + " bytes of open ones; close workspaces with try-with-resources");
        }
    }

    private void compute(Consumer<Kernels> operation) {
        if (kernels != null) {
            operation.accept(kernels);
        }
    }

    private Kernels kernelsToDownload(Tensor tensor) {
        if (kernels == null) {
            throw new UnsupportedOperationException("a download must be from a backend that computes, found one of "
                    + tensor.shape() + " in a dry run; run the model on a real backend");
        }
        return kernels;
    }
}
