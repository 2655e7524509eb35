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
 * A device that computes: few, large operations, each written to an output that the caller allocated. Get one from {@link Backends}.
 *
 * <p>Conventions. Matrices are row-major; a tensor of higher rank is read as the matrix [product of the leading lengths, last length]
 * where a matrix is expected. Tokens of a {@link Grid} are rows in the order (t, h, w). Inputs and outputs may be F32 or BF16 in any
 * mixture unless stated; parameters (shift, scale, gate, norm weights, biases) are F32. Sums, statistics, exponentials, states and
 * softmax are always F32. An output never overlaps an input unless the operation says so.
 *
 * <p>Every operation throws {@link IllegalArgumentException} when shapes or types don't fit, naming both, or when a tensor belongs to another
 * backend, be it of the same kind, before it writes anything.
 * Operations may be asynchronous on a device; {@link #download} waits.
 *
 * <p>This class checks arguments and counts operations; the {@link Kernels} of an implementation compute. Without kernels it is a dry run:
 * tensors have shapes and no elements, operations are checked and counted, not computed.
 *
 * <p>Thread-safe: operations on different tensors may run concurrently. Close it after every workspace is closed.
 */
public final class Backend implements AutoCloseable {
    private final TensorStore store;
    private final @Nullable Kernels kernels;
    private final Checks checks;
    private final MemoryMeter memory = new MemoryMeter();
    private final OperationMeter operations = new OperationMeter();

    /** @param store {@link Kernels} to compute with, or another store for a dry run; closed with this backend */
    public Backend(TensorStore store) {
        this.store = store;
        this.kernels = store instanceof Kernels ? (Kernels) store : null;
        this.checks = new Checks(store);
    }

    /** The name under which it is chosen: "cpu", "nd4j", "cuda". */
    public String name() {
        return store.name();
    }

    /** Human-readable one-line description of the device and the libraries in use. */
    public String description() {
        return store.description();
    }

    /** The implementation, for dry runs and measurements; models have no use for it. */
    public TensorStore store() {
        return store;
    }

    /** The bytes of the tensors on this backend. */
    public MemoryMeter memory() {
        return memory;
    }

    /** An estimate of the bytes that new tensors can take. */
    public long availableBytes() {
        return store.availableBytes();
    }

    /** False for a dry run, which tracks shapes only and reads no element of a weight. */
    public boolean computes() {
        return kernels != null;
    }

    /** The floating-point operations done on this backend. */
    public OperationMeter operations() {
        return operations;
    }

    /**
     * How many tokens a layer that mixes no tokens should process at a time: enough to fill the device, few enough that the tensor between
     * two products stays small.
     */
    public long tokensPerChunk() {
        return store.tokensPerChunk();
    }

    /** A new, empty workspace. */
    public Workspace newWorkspace() {
        return store.newWorkspace(memory);
    }

    /** A recording for work that repeats; a backend that can't replay work runs it each time. */
    public Recording newRecording() {
        return kernels == null ? Recording.NONE : kernels.newRecording(memory, operations);
    }

    // ---- data in and out

    /** Copies host elements to a new tensor, converted to a type. The pages of a mapped file are released. */
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
     * Host elements as a tensor of the same type and shape: shared, without a copy, where the backend computes in host memory and the
     * elements lie outside of the heap; copied elsewhere. A shared tensor sees writes to the source and the other way round, is not metered,
     * and must not be freed while the workspace is open.
     *
     * @param source F32 or BF16; not a mapped file if the tensor is written to
     */
    public Tensor borrow(Workspace workspace, HostTensor source) {
        checks.workspace("borrow", workspace);
        Checks.productType(source.dtype());
        Tensor shared = kernels == null ? null : kernels.share(workspace, source);
        return shared != null ? shared : upload(workspace, source, source.dtype());
    }

    /**
     * Copies a tensor's elements to the host, as F32.
     *
     * @throws UnsupportedOperationException in a dry run
     */
    public HostTensor download(Tensor tensor) {
        checks.download(tensor);
        return kernelsToDownload(tensor).download(tensor);
    }

    /**
     * Copies a tensor's elements, as F32, to an array.
     *
     * @param target as long as the tensor has elements
     * @throws UnsupportedOperationException in a dry run
     */
    public void download(Tensor tensor, float[] target) {
        checks.download(tensor, target);
        kernelsToDownload(tensor).download(tensor, target);
    }

    /**
     * Copies a tensor's elements to an array as 8-bit pixels: [-1, 1] becomes 0 to 255, rounded; values beyond are clamped.
     *
     * @param target as long as the tensor has elements
     * @throws ArithmeticException if an element is not a number; the array's contents are then undefined
     * @throws UnsupportedOperationException in a dry run
     */
    public void downloadPixels(Tensor tensor, byte[] target) {
        checks.downloadPixels(tensor, target);
        if (!kernelsToDownload(tensor).downloadPixels(tensor, target)) {
            throw new ArithmeticException("found a pixel that is not a number, expected numbers around [-1, 1]");
        }
    }

    /** Overwrites a tensor's elements with those of an equally shaped host tensor, converted to the tensor's type. */
    public void write(HostTensor source, Tensor target) {
        checks.write(source, target);
        compute(kernels -> kernels.write(source, target));
    }

    /** Packs a linear layer so that products are formed in {@code dtype}. */
    public LinearWeights packLinear(Workspace workspace, LinearParameters source, DType dtype) {
        checks.workspace("packLinear", workspace);
        Checks.productType(dtype);
        return store.packLinear(workspace, source, dtype);
    }

    /** Packs a convolution so that products are formed in {@code dtype}. */
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionParameters source, DType dtype) {
        checks.workspace("packConvolution", workspace);
        Checks.productType(dtype);
        return store.packConvolution(workspace, source, dtype);
    }

    // ---- elementwise

    /** out = x, converted to the output's type. Equal numbers of elements. */
    public void copy(Tensor x, Tensor out) {
        checks.copy(x, out);
        compute(kernels -> kernels.copy(x, out));
    }

    /** out = a + b. Equal shapes; out may be a or b. */
    public void add(Tensor a, Tensor b, Tensor out) {
        checks.add(a, b, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.add(a, b, out));
    }

    /** y += alpha * x. Equal shapes: the Euler step of a flow. */
    public void addScaled(float alpha, Tensor x, Tensor y) {
        checks.addScaled(x, y);
        operations.add(OperationKind.ELEMENTWISE, y.shape().elements());
        compute(kernels -> kernels.addScaled(alpha, x, y));
    }

    /** out = a + s * (b - a). Equal shapes; out may be a or b: classifier-free guidance. */
    public void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        checks.interpolate(a, b, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.interpolate(a, b, s, out));
    }

    /** Fills a tensor with the normal noise of a seed: element i is {@link PhiloxNormal#at(long, long) PhiloxNormal.at(seed, i)}. */
    public void normal(long seed, Tensor out) {
        checks.normal(out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.normal(seed, out));
    }

    // ---- tokens

    /** Cuts a video [C, T, H, W] into tokens [grid cells, C * patch cells], each flattened as (channel, t, h, w). */
    public void patchify(Tensor video, PatchSize patch, Tensor tokens) {
        checks.patchify(video, patch, tokens);
        compute(kernels -> kernels.patchify(video, patch, tokens));
    }

    /** The inverse of {@link #patchify}. */
    public void unpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        checks.unpatchify(tokens, patch, video);
        compute(kernels -> kernels.unpatchify(tokens, patch, video));
    }

    /**
     * out[t, h, w] = x[t, h, w] + tableT[t] + tableH[h] + tableW[w]; out may be x.
     *
     * @param x [grid cells, d]
     * @param tableT [at least grid.t(), d], F32; likewise tableH, tableW
     */
    public void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        checks.addPosition(x, tableT, tableH, tableW, grid, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.addPosition(x, tableT, tableH, tableW, grid, out));
    }

    /**
     * Averages x over cells of {@code kernel} size, stride = kernel; ragged cells average over the tokens that exist.
     *
     * @param x [grid cells, d]
     * @param out [grid.dividedBy(kernel) cells, d]
     */
    public void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out) {
        checks.averagePool(x, grid, kernel, out);
        operations.add(OperationKind.ELEMENTWISE, x.shape().elements());
        compute(kernels -> kernels.averagePool(x, grid, kernel, out));
    }

    // ---- norms

    /**
     * out = LN(x) * (1 + scale) + shift, LN without affine parameters over the last axis, biased variance.
     *
     * @param x [n, d]
     * @param shift [d]
     * @param scale [d]
     */
    public void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        checks.modulatedLayerNorm(x, shift, scale, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.modulatedLayerNorm(x, shift, scale, epsilon, out));
    }

    /**
     * out = RMSNorm(y * SiLU(z)) * weight, over the last axis: gate first, then one norm; out may be y.
     *
     * @param y [n, d]
     * @param z [n, d]
     * @param weight [d]
     */
    public void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        checks.gatedRmsNorm(y, z, weight, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.gatedRmsNorm(y, z, weight, epsilon, out));
    }

    /**
     * Replaces every head's vector by RMSNorm(vector) * weight, in place: query and key normalisation.
     *
     * @param weight [headDim]
     */
    public void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        checks.headRmsNorm(heads, weight);
        operations.add(OperationKind.ELEMENTWISE, heads.tokens() * heads.width());
        compute(kernels -> kernels.headRmsNorm(heads, weight, epsilon));
    }

    /**
     * Group norm over a channels-last video, statistics per frame, then SiLU if asked; out may be x.
     *
     * @param x [T, H, W, C]
     * @param weight [C]
     * @param bias [C]
     */
    public void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        checks.groupNorm(x, groups, weight, bias, out);
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
        compute(kernels -> kernels.groupNorm(x, groups, weight, bias, epsilon, silu, out));
    }

    // ---- products

    /**
     * out = epilogue(x W^T + bias). x is rounded to the weights' type.
     *
     * @param x [n, in]
     * @param out [n, out]; read as well by the adding epilogues
     */
    public void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        checks.linear(x, weights, epilogue, out);
        operations.add(OperationKind.LINEAR, Flops.linear(x, weights));
        compute(kernels -> kernels.linear(x, weights, epilogue, out));
    }

    /**
     * A zero-padded convolution over a channels-last video.
     *
     * @param x [T, H, W, C]
     * @param out [T', H', W', O], see {@link ConvolutionParameters#outputOf}
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
     * Nearest-neighbour upsampling of a channels-last video by whole factors.
     *
     * @param x [T, H, W, C]
     * @param out [T * factor.t(), H * factor.h(), W * factor.w(), C]
     */
    public void upsampleNearest(Tensor x, Dims3 factor, Tensor out) {
        checks.upsampleNearest(x, factor, out);
        compute(kernels -> kernels.upsampleNearest(x, factor, out));
    }

    // ---- attention

    /**
     * out = softmax(q k^T / sqrt(headDim)) v, head by head; masked keys have no weight.
     *
     * @param q n tokens; k and v: equally many tokens each, equal heads and head dimensions
     * @param mask [tokens of k] in F32, 1 = keep, 0 = leave out, at least one kept; null keeps all
     * @param out [n, q.width()]
     */
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out) {
        checks.attention(q, k, v, mask, out);
        operations.add(OperationKind.ATTENTION, Flops.attention(q, k));
        compute(kernels -> kernels.attention(q, k, v, mask, out));
    }

    /**
     * Full attention inside every window of a grid.
     *
     * @param q grid cells tokens; likewise k and v
     * @param bias [heads, (2wt-1)(2wh-1)(2ww-1)] in F32, added before the softmax at the row-major index of
     *     (q - k + w - 1) per axis; null for none
     * @param out [grid cells, q.width()]
     */
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        checks.windowAttention(q, k, v, grid, windows, bias, out);
        operations.add(OperationKind.WINDOW_ATTENTION, Flops.windowAttention(q, grid, windows));
        compute(kernels -> kernels.windowAttention(q, k, v, grid, windows, bias, out));
    }

    // ---- scans

    /**
     * One direction of Mamba2's selective scan, from the projection to y (specification, section 3): causal depthwise convolution and
     * SiLU over x, B and C, softplus of dt, the state recurrence or its chunked equal, and the skip. Rows are visited along
     * {@code path}; warm-up steps give no output.
     *
     * @param accumulate whether y is added to (both directions' sum) or overwritten
     * @param y [grid cells, di]
     */
    public void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        checks.selectiveScan(input, path, spec, weights, y);
        operations.add(OperationKind.SCAN, Flops.selectiveScan(path, spec));
        compute(kernels -> kernels.selectiveScan(input, path, spec, weights, accumulate, y));
    }

    /**
     * Causal depthwise convolution and SiLU along a path, every output at the row its input came from.
     *
     * @param x [path rows, columns], of which {@code channels} from {@code column} on are read
     * @param weight [channels, taps] in F32, the last tap is the current token's
     * @param bias [channels] in F32
     * @param out [path rows, channels]; rows that a backward path leaves out are set to 0
     */
    public void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        checks.causalConvolution(x, column, path, weight, bias, out);
        operations.add(OperationKind.SCAN, Flops.causalConvolution(path, weight));
        compute(kernels -> kernels.causalConvolution(x, column, path, weight, bias, out));
    }

    /**
     * One direction of Mamba1's selective scan: h = exp(dt A) h + dt B x, y = C h + D x per channel with
     * dt = softplus(dt + dtBias).
     *
     * @param x [path rows, di]
     * @param dt [path rows, di], before bias and softplus
     * @param bc [path rows, columns]: n columns of B from {@code b} on and n of C from {@code c} on
     * @param y [grid cells, di]
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
     * Frees everything that the backend holds.
     *
     * @throws IllegalStateException if a workspace is still open; its tensors can't be used any more
     */
    @Override
    public void close() {
        long live = memory.liveBytes();
        store.close();
        if (live > 0) {
            throw new IllegalStateException("the " + name() + " backend was closed while workspaces with " + live
                    + " bytes are open; close them first");
        }
    }

    private void compute(Consumer<Kernels> operation) {
        if (kernels != null) {
            operation.accept(kernels);
        }
    }

    private Kernels kernelsToDownload(Tensor tensor) {
        if (kernels == null) {
            throw new UnsupportedOperationException("a dry run has no elements to download, found a download of "
                    + tensor.shape() + "; run the model on a real backend");
        }
        return kernels;
    }
}
