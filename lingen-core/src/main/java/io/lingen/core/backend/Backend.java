package io.lingen.core.backend;

import io.lingen.core.ConvolutionWeights;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.LinearWeights;
import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.HostMemory;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.accounting.OperationMeter;
import io.lingen.core.internal.PhiloxNormal;
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
import org.jspecify.annotations.Nullable;

/**
 * A device that computes: few, large operations, each written to an output that the caller allocated.
 *
 * <p>Conventions. Matrices are row-major; a tensor of higher rank is read as the matrix [product of the leading lengths, last length]
 * where a matrix is expected. Tokens of a {@link Grid} are rows in the order (t, h, w). Inputs and outputs may be F32 or BF16 in any
 * mixture unless stated; parameters (shift, scale, gate, norm weights, biases) are F32. Sums, statistics, exponentials, states and
 * softmax are always F32. An output never overlaps an input unless the operation says so.
 *
 * <p>Every operation throws {@link IllegalArgumentException} when shapes or types don't fit, naming both, before it writes anything.
 * Operations may be asynchronous on a device; {@link #download} waits.
 *
 * <p>Thread-safe: operations on different tensors may run concurrently. Close it after every workspace is closed.
 */
public interface Backend extends AutoCloseable {
    /** {@link #tokensPerChunk} where a backend says nothing else. */
    long DEFAULT_TOKENS_PER_CHUNK = 4096;

    /** The name under which it is chosen: "cpu", "nd4j", "cuda". */
    String name();

    /** One line about the device and what is used of it, for people. */
    String description();

    /** The bytes of the tensors on this backend. */
    MemoryMeter memory();

    /** About how many bytes new tensors can have here; unless a backend says otherwise, what the host's memory has left. */
    default long availableBytes() {
        return HostMemory.availableBytes();
    }

    /** A backend that computes nothing and counts what this one would hold of memory for the same work. To be closed by the caller. */
    default CountingBackend counting() {
        return new CountingBackend();
    }

    /** Whether elements have values here; a backend that only counts needs the shapes of weights and nothing else of them. */
    default boolean computes() {
        return true;
    }

    /** The floating-point operations done on this backend. */
    OperationMeter operations();

    /**
     * How many tokens a layer without exchange between tokens should process at a time: enough to fill the device, few enough that what
     * lies between two products stays small.
     */
    default long tokensPerChunk() {
        return DEFAULT_TOKENS_PER_CHUNK;
    }

    /** A new, empty workspace. */
    Workspace newWorkspace();

    /** For work that is going to be done many times; unless a backend says otherwise, it is simply run each time. */
    default Recording newRecording() {
        return Recording.NONE;
    }

    // ---- data in and out

    /** Copies host elements to a new tensor, converted to a type. */
    Tensor upload(Workspace workspace, HostTensor source, DType dtype);

    /**
     * Host elements as a tensor of the same type and shape: shared, without a copy, where the backend computes in host memory and the
     * elements lie outside of the heap; copied elsewhere. What is shared sees the other's writes, is not metered, and must not be freed
     * while the workspace is open.
     *
     * @param source F32 or BF16; not a mapped file if the tensor is written to
     */
    default Tensor borrow(Workspace workspace, HostTensor source) {
        return upload(workspace, source, source.dtype());
    }

    /** Copies a tensor's elements to the host, as F32. */
    HostTensor download(Tensor tensor);

    /**
     * Copies a tensor's elements, as F32, to an array.
     *
     * @param target as long as the tensor has elements
     */
    default void download(Tensor tensor, float[] target) {
        download(tensor).copyTo(target);
    }

    /**
     * Copies a tensor's elements to an array as 8-bit pixels: [-1, 1] becomes 0 to 255, rounded, what lies beyond is clamped.
     *
     * @param target as long as the tensor has elements
     * @throws ArithmeticException if an element is not a number; what is in the array then is undefined
     */
    void downloadPixels(Tensor tensor, byte[] target);

    /** Overwrites a tensor's elements with those of an equally shaped host tensor, converted to the tensor's type. */
    void write(HostTensor source, Tensor target);

    /** Packs a linear layer so that products are formed in {@code dtype}. */
    LinearWeights packLinear(Workspace workspace, LinearWeights.Source source, DType dtype);

    /** Packs a convolution so that products are formed in {@code dtype}. */
    ConvolutionWeights packConvolution(Workspace workspace, ConvolutionWeights.Source source, DType dtype);

    // ---- elementwise

    /** out = x, converted to the output's type. Equal numbers of elements. */
    void copy(Tensor x, Tensor out);

    /** out = a + b. Equal shapes; out may be a or b. */
    void add(Tensor a, Tensor b, Tensor out);

    /** y += alpha * x. Equal shapes: the Euler step of a flow. */
    void addScaled(float alpha, Tensor x, Tensor y);

    /** out = a + s * (b - a). Equal shapes; out may be a or b: classifier-free guidance. */
    void interpolate(Tensor a, Tensor b, float s, Tensor out);

    /** Fills a tensor with the normal noise of a seed: element i is {@link PhiloxNormal#at(long, long) PhiloxNormal.at(seed, i)}. */
    void normal(long seed, Tensor out);

    // ---- tokens

    /** Cuts a video [C, T, H, W] into tokens [grid cells, C * patch cells], each flattened as (channel, t, h, w). */
    void patchify(Tensor video, PatchSize patch, Tensor tokens);

    /** The inverse of {@link #patchify}. */
    void unpatchify(Tensor tokens, PatchSize patch, Tensor video);

    /**
     * out[t, h, w] = x[t, h, w] + tableT[t] + tableH[h] + tableW[w]; out may be x.
     *
     * @param x [grid cells, d]
     * @param tableT [at least grid.t(), d], F32; likewise tableH, tableW
     */
    void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out);

    /**
     * Averages x over cells of {@code kernel} size, stride = kernel; ragged cells average over the tokens that exist.
     *
     * @param x [grid cells, d]
     * @param out [grid.dividedBy(kernel) cells, d]
     */
    void averagePool(Tensor x, Grid grid, Grid kernel, Tensor out);

    // ---- norms

    /**
     * out = LN(x) * (1 + scale) + shift, LN without affine parameters over the last axis, biased variance.
     *
     * @param x [n, d]
     * @param shift [d]
     * @param scale [d]
     */
    void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out);

    /**
     * out = RMSNorm(y * SiLU(z)) * weight, over the last axis: gate first, then one norm; out may be y.
     *
     * @param y [n, d]
     * @param z [n, d]
     * @param weight [d]
     */
    void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out);

    /**
     * Replaces every head's vector by RMSNorm(vector) * weight, in place: query and key normalisation.
     *
     * @param weight [headDim]
     */
    void headRmsNorm(Heads heads, Tensor weight, float epsilon);

    /**
     * Group norm over a channels-last video, statistics per frame, then SiLU if asked; out may be x.
     *
     * @param x [T, H, W, C]
     * @param weight [C]
     * @param bias [C]
     */
    void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out);

    // ---- products

    /**
     * out = epilogue(x W^T + bias). x is rounded to the weights' type.
     *
     * @param x [n, in]
     * @param out [n, out]; read as well by the adding epilogues
     */
    void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out);

    /**
     * A zero-padded convolution over a channels-last video.
     *
     * @param x [T, H, W, C]
     * @param out [T', H', W', O], see {@link ConvolutionWeights.Source#outputOf}
     */
    void convolution(Tensor x, ConvolutionWeights weights, Tensor out);

    /**
     * Nearest-neighbour upsampling of a channels-last video by whole factors.
     *
     * @param x [T, H, W, C]
     * @param out [T * factor.t(), H * factor.h(), W * factor.w(), C]
     */
    void upsampleNearest(Tensor x, Grid factor, Tensor out);

    // ---- attention

    /**
     * out = softmax(q k^T / sqrt(headDim)) v, head by head; masked keys have no weight.
     *
     * @param q n tokens; k and v: equally many tokens each, equal heads and head dimensions
     * @param mask [tokens of k] in F32, 1 = keep, 0 = leave out, at least one kept; null keeps all
     * @param out [n, q.width()]
     */
    void attention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out);

    /**
     * Full attention inside every window of a grid.
     *
     * @param q grid cells tokens; likewise k and v
     * @param bias [heads, (2wt-1)(2wh-1)(2ww-1)] in F32, added before the softmax at the row-major index of
     *     (q - k + w - 1) per axis; null for none
     * @param out [grid cells, q.width()]
     */
    void windowAttention(Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out);

    // ---- scans

    /**
     * One direction of Mamba2's selective scan, from the projection to y (specification, section 3): causal depthwise convolution and
     * SiLU over x, B and C, softplus of dt, the state recurrence or its chunked equal, and the skip. Rows are visited along
     * {@code path}; warm-up steps give no output.
     *
     * @param accumulate whether y is added to (both directions' sum) or overwritten
     * @param y [grid cells, di]
     */
    void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y);

    /**
     * Causal depthwise convolution and SiLU along a path, every output at the row its input came from.
     *
     * @param x [path rows, columns], of which {@code channels} from {@code column} on are read
     * @param weight [channels, taps] in F32, the last tap is the current token's
     * @param bias [channels] in F32
     * @param out [path rows, channels]; rows that a backward path leaves out are set to 0
     */
    void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out);

    /**
     * One direction of Mamba1's selective scan: h = exp(dt A) h + dt B x, y = C h + D x per channel with
     * dt = softplus(dt + dtBias).
     *
     * @param x [path rows, di]
     * @param dt [path rows, di], before bias and softplus
     * @param bc [path rows, columns]: n columns of B from {@code b} on and n of C from {@code c} on
     * @param y [grid cells, di]
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

    /** Frees what the backend holds. Every workspace must be closed before. */
    @Override
    void close();
}
