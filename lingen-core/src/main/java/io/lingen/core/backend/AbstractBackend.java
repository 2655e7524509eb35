package io.lingen.core.backend;

import io.lingen.core.ConvolutionWeights;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.LinearWeights;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.accounting.OperationKind;
import io.lingen.core.accounting.OperationMeter;
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
 * What all backends share: arguments are checked and operations counted here, so that an implementation's {@code compute} methods hold
 * nothing but the computation and may rely on shapes and types.
 */
public abstract class AbstractBackend implements Backend {
    private final MemoryMeter memory = new MemoryMeter();
    private final OperationMeter operations = new OperationMeter();

    @Override
    public final MemoryMeter memory() {
        return memory;
    }

    @Override
    public final OperationMeter operations() {
        return operations;
    }

    @Override
    public final void downloadPixels(Tensor tensor, byte[] target) {
        Shape bytes = Shape.of(target.length);
        require(tensor.shape().elements() == target.length, "downloadPixels", tensor.shape(), bytes);
        if (!computeDownloadPixels(tensor, target)) {
            throw new ArithmeticException("found a pixel that is not a number, expected numbers around [-1, 1]");
        }
    }

    @Override
    public final void write(HostTensor source, Tensor target) {
        require(source.shape().equals(target.shape()), "write", source.shape(), target.shape());
        computeWrite(source, target);
    }

    @Override
    public final void copy(Tensor x, Tensor out) {
        require(x.shape().elements() == out.shape().elements(), "copy", x, out);
        computeCopy(x, out);
    }

    @Override
    public final void add(Tensor a, Tensor b, Tensor out) {
        require(sameShape(a, b, out), "add", a, b, out);
        elementwise(out);
        computeAdd(a, b, out);
    }

    @Override
    public final void addScaled(float alpha, Tensor x, Tensor y) {
        require(sameShape(x, y), "addScaled", x, y);
        elementwise(y);
        computeAddScaled(alpha, x, y);
    }

    @Override
    public final void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        require(sameShape(a, b, out), "interpolate", a, b, out);
        elementwise(out);
        computeInterpolate(a, b, s, out);
    }

    @Override
    public final void normal(long seed, Tensor out) {
        elementwise(out);
        computeNormal(seed, out);
    }

    @Override
    public final void patchify(Tensor video, PatchSize patch, Tensor tokens) {
        requirePatches(video, patch, tokens, "patchify");
        computePatchify(video, patch, tokens);
    }

    @Override
    public final void unpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        requirePatches(video, patch, tokens, "unpatchify");
        computeUnpatchify(tokens, patch, video);
    }

    @Override
    public final void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        long d = x.shape().last();
        require(isMatrix(x, grid.cells(), d) && sameShape(x, out), "addPosition over " + grid, x, out);
        require(isTable(tableT, grid.t(), d), "addPosition, table t for " + grid, x, tableT);
        require(isTable(tableH, grid.h(), d), "addPosition, table h for " + grid, x, tableH);
        require(isTable(tableW, grid.w(), d), "addPosition, table w for " + grid, x, tableW);
        elementwise(out);
        computeAddPosition(x, tableT, tableH, tableW, grid, out);
    }

    @Override
    public final void averagePool(Tensor x, Grid grid, Grid kernel, Tensor out) {
        long d = x.shape().last();
        require(
                isMatrix(x, grid.cells(), d)
                        && isMatrix(out, grid.dividedBy(kernel).cells(), d),
                "averagePool of " + grid + " by " + kernel,
                x,
                out);
        elementwise(x);
        computeAveragePool(x, grid, kernel, out);
    }

    @Override
    public final void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        long d = x.shape().last();
        require(
                sameMatrix(x, out) && isParameter(shift, d) && isParameter(scale, d),
                "modulatedLayerNorm",
                x,
                shift,
                scale,
                out);
        elementwise(out);
        computeModulatedLayerNorm(x, shift, scale, epsilon, out);
    }

    @Override
    public final void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        require(
                sameMatrix(y, out)
                        && sameMatrix(y, z)
                        && isParameter(weight, y.shape().last()),
                "gatedRmsNorm",
                y,
                z,
                weight,
                out);
        elementwise(out);
        computeGatedRmsNorm(y, z, weight, epsilon, out);
    }

    @Override
    public final void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        require(isParameter(weight, heads.headDim()), "headRmsNorm", heads.matrix(), weight);
        operations.add(OperationKind.ELEMENTWISE, heads.tokens() * heads.width());
        computeHeadRmsNorm(heads, weight, epsilon);
    }

    @Override
    public final void groupNorm(
            Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        long channels = x.shape().last();
        require(
                x.shape().rank() == 4
                        && sameShape(x, out)
                        && isParameter(weight, channels)
                        && isParameter(bias, channels)
                        && groups > 0
                        && channels % groups == 0,
                "groupNorm with " + groups + " groups",
                x,
                weight,
                bias,
                out);
        elementwise(out);
        computeGroupNorm(x, groups, weight, bias, epsilon, silu, out);
    }

    @Override
    public final void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        Shape expected = Shape.of(weights.outFeatures(), weights.inFeatures());
        require(
                x.shape().last() == weights.inFeatures()
                        && out.shape().last() == weights.outFeatures()
                        && x.shape().rows() == out.shape().rows(),
                "linear with weight " + expected,
                x,
                out);
        Tensor gate = epilogue.gate();
        if (gate != null) {
            require(isParameter(gate, weights.outFeatures()), "gate of linear with weight " + expected, gate);
        }
        operations.add(OperationKind.LINEAR, 2 * x.shape().elements() * weights.outFeatures());
        computeLinear(x, weights, epilogue, out);
    }

    @Override
    public final void convolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        ConvolutionWeights.Source source = weights.source();
        require(
                x.shape().rank() == 4
                        && x.shape().last() == source.inChannels()
                        && out.shape().equals(source.outputOf(x.shape())),
                "convolution with weight " + source.weight().shape(),
                x,
                out);
        operations.add(
                OperationKind.CONVOLUTION,
                2 * out.shape().elements() * source.weight().shape().elements() / source.outChannels());
        computeConvolution(x, weights, out);
    }

    @Override
    public final void upsampleNearest(Tensor x, Grid factor, Tensor out) {
        Shape from = x.shape();
        require(
                from.rank() == 4
                        && out.shape()
                                .equals(Shape.of(
                                        from.length(0) * factor.t(),
                                        from.length(1) * factor.h(),
                                        from.length(2) * factor.w(),
                                        from.length(3))),
                "upsampleNearest by " + factor,
                x,
                out);
        computeUpsampleNearest(x, factor, out);
    }

    @Override
    public final void attention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out) {
        requireHeads(q, k, v, "attention");
        require(isMatrix(out, q.tokens(), q.width()), "attention of width " + q.width(), q.matrix(), out);
        if (mask != null) {
            require(isParameter(mask, k.tokens()), "mask of attention", k.matrix(), mask);
        }
        operations.add(OperationKind.ATTENTION, 4 * q.tokens() * k.tokens() * q.width());
        computeAttention(q, k, v, mask, out);
    }

    @Override
    public final void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        requireHeads(q, k, v, "windowAttention");
        require(
                q.tokens() == grid.cells() && k.tokens() == grid.cells() && isMatrix(out, grid.cells(), q.width()),
                "windowAttention over " + grid,
                q.matrix(),
                k.matrix(),
                out);
        if (bias != null) {
            Grid size = windows.size();
            long offsets = (2L * size.t() - 1) * (2L * size.h() - 1) * (2L * size.w() - 1);
            require(
                    bias.dtype() == DType.F32 && bias.shape().equals(Shape.of(q.heads(), offsets)),
                    "bias of windowAttention with windows of " + size,
                    bias);
        }
        operations.add(OperationKind.WINDOW_ATTENTION, 4 * q.width() * pairs(grid, windows));
        computeWindowAttention(q, k, v, grid, windows, bias, out);
    }

    @Override
    public final void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        Tensor projection = input.projection();
        long columns = projection.shape().last();
        require(
                projection.shape().rank() == 2
                        && projection.shape().length(0) == path.rows()
                        && fits(input.x(), spec.innerWidth(), columns)
                        && fits(input.b(), spec.groupWidth(), columns)
                        && fits(input.c(), spec.groupWidth(), columns)
                        && fits(input.dt(), spec.heads(), columns)
                        && isMatrix(y, path.grid().cells(), spec.innerWidth()),
                "selectiveScan over " + path.rows() + " rows with " + spec,
                projection,
                y);
        require(
                weights.convWeight().shape().equals(Shape.of(spec.channels(), spec.convWidth()))
                        && isParameter(weights.convBias(), spec.channels())
                        && isParameter(weights.dtBias(), spec.heads())
                        && isParameter(weights.aLog(), spec.heads())
                        && isParameter(weights.d(), spec.heads()),
                "weights of selectiveScan with " + spec,
                weights.convWeight(),
                weights.dtBias(),
                weights.aLog(),
                weights.d());
        long chunk = Math.min(spec.chunkSize(), path.steps());
        long perToken = 2L * spec.convWidth() * spec.channels()
                + 2 * chunk * spec.groupWidth()
                + 2L * spec.innerWidth() * (chunk + 2L * spec.stateSize());
        operations.add(OperationKind.SCAN, path.steps() * perToken);
        computeSelectiveScan(input, path, spec, weights, accumulate, y);
    }

    @Override
    public final void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        long channels = weight.shape().length(0);
        require(
                x.shape().rank() == 2
                        && x.shape().length(0) == path.rows()
                        && fits(column, channels, x.shape().last())
                        && weight.shape().rank() == 2
                        && weight.dtype() == DType.F32
                        && isParameter(bias, channels)
                        && isMatrix(out, path.rows(), channels),
                "causalConvolution over " + path.rows() + " rows",
                x,
                weight,
                bias,
                out);
        operations.add(OperationKind.SCAN, 2 * path.steps() * weight.shape().elements());
        computeCausalConvolution(x, column, path, weight, bias, out);
    }

    @Override
    public final void diagonalScan(
            Tensor x,
            Tensor dt,
            Tensor bc,
            long b,
            long c,
            ScanPath path,
            DiagonalScanWeights weights,
            boolean accumulate,
            Tensor y) {
        long width = x.shape().last();
        Shape states = weights.aLog().shape();
        require(
                isMatrix(x, path.rows(), width)
                        && sameShape(x, dt)
                        && bc.shape().rank() == 2
                        && bc.shape().length(0) == path.rows()
                        && isMatrix(y, path.grid().cells(), width),
                "diagonalScan over " + path.rows() + " rows",
                x,
                dt,
                bc,
                y);
        require(
                states.rank() == 2
                        && states.length(0) == width
                        && fits(b, states.last(), bc.shape().last())
                        && fits(c, states.last(), bc.shape().last())
                        && isParameter(weights.dtBias(), width)
                        && isParameter(weights.d(), width),
                "weights of diagonalScan of width " + width,
                weights.aLog(),
                weights.dtBias(),
                weights.d());
        operations.add(OperationKind.SCAN, 7 * path.steps() * states.elements());
        computeDiagonalScan(x, dt, bc, b, c, path, weights, accumulate, y);
    }

    /**
     * Rounded on the host, unless a device does it and has less to bring there.
     *
     * @return whether all elements are numbers
     */
    protected boolean computeDownloadPixels(Tensor tensor, byte[] target) {
        return PixelRounding.download(this, tensor, target);
    }

    protected abstract void computeWrite(HostTensor source, Tensor target);

    protected abstract void computeCopy(Tensor x, Tensor out);

    protected abstract void computeAdd(Tensor a, Tensor b, Tensor out);

    protected abstract void computeAddScaled(float alpha, Tensor x, Tensor y);

    protected abstract void computeInterpolate(Tensor a, Tensor b, float s, Tensor out);

    protected abstract void computeNormal(long seed, Tensor out);

    protected abstract void computePatchify(Tensor video, PatchSize patch, Tensor tokens);

    protected abstract void computeUnpatchify(Tensor tokens, PatchSize patch, Tensor video);

    protected abstract void computeAddPosition(
            Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out);

    protected abstract void computeAveragePool(Tensor x, Grid grid, Grid kernel, Tensor out);

    protected abstract void computeModulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out);

    protected abstract void computeGatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out);

    protected abstract void computeHeadRmsNorm(Heads heads, Tensor weight, float epsilon);

    protected abstract void computeGroupNorm(
            Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out);

    protected abstract void computeLinear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out);

    protected abstract void computeConvolution(Tensor x, ConvolutionWeights weights, Tensor out);

    protected abstract void computeUpsampleNearest(Tensor x, Grid factor, Tensor out);

    protected abstract void computeAttention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out);

    protected abstract void computeWindowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out);

    protected abstract void computeSelectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y);

    protected abstract void computeCausalConvolution(
            Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out);

    protected abstract void computeDiagonalScan(
            Tensor x,
            Tensor dt,
            Tensor bc,
            long b,
            long c,
            ScanPath path,
            DiagonalScanWeights weights,
            boolean accumulate,
            Tensor y);

    private void elementwise(Tensor out) {
        operations.add(OperationKind.ELEMENTWISE, out.shape().elements());
    }

    /** The number of (query, key) pairs of all windows: a product over the axes of the sums of squared lengths. */
    private static long pairs(Grid grid, Windows windows) {
        long product = 1;
        for (int axis = 0; axis < 3; axis++) {
            int[] cuts = windows.cuts(grid, axis);
            long sum = 0;
            for (int i = 1; i < cuts.length; i++) {
                long length = cuts[i] - cuts[i - 1];
                sum += length * length;
            }
            product *= sum;
        }
        return product;
    }

    private static void requirePatches(Tensor video, PatchSize patch, Tensor tokens, String operation) {
        Grid grid = patch.gridOf(video.shape());
        long width = video.shape().length(0) * patch.cells();
        require(
                tokens.shape().last() == width && tokens.shape().rows() == grid.cells(),
                operation + " to " + grid + " tokens of " + width,
                video,
                tokens);
    }

    private static void requireHeads(Heads q, Heads k, Heads v, String operation) {
        require(
                k.tokens() == v.tokens()
                        && q.heads() == k.heads()
                        && q.heads() == v.heads()
                        && q.headDim() == k.headDim()
                        && q.headDim() == v.headDim(),
                operation + " with " + q.heads() + ", " + k.heads() + ", " + v.heads() + " heads of " + q.headDim()
                        + ", " + k.headDim() + ", " + v.headDim(),
                q.matrix(),
                k.matrix(),
                v.matrix());
    }

    private static boolean sameShape(Tensor first, Tensor... others) {
        for (Tensor other : others) {
            if (!first.shape().equals(other.shape())) {
                return false;
            }
        }
        return true;
    }

    private static boolean sameMatrix(Tensor a, Tensor b) {
        return a.shape().last() == b.shape().last()
                && a.shape().rows() == b.shape().rows();
    }

    private static boolean isMatrix(Tensor tensor, long rows, long columns) {
        return tensor.shape().last() == columns && tensor.shape().rows() == rows;
    }

    private static boolean isTable(Tensor table, long rows, long columns) {
        return table.dtype() == DType.F32
                && table.shape().rank() == 2
                && table.shape().length(0) >= rows
                && table.shape().last() == columns;
    }

    private static boolean isParameter(Tensor tensor, long elements) {
        return tensor.dtype() == DType.F32 && tensor.shape().elements() == elements;
    }

    private static boolean fits(long from, long width, long columns) {
        return from >= 0 && from <= columns - width;
    }

    private static void require(boolean condition, String operation, Tensor... tensors) {
        if (!condition) {
            StringBuilder found = new StringBuilder();
            for (Tensor tensor : tensors) {
                found.append(found.isEmpty() ? "" : ", ").append(tensor.dtype()).append(tensor.shape());
            }
            throw new IllegalArgumentException(operation + ": tensors don't fit, found " + found);
        }
    }

    private static void require(boolean condition, String operation, Shape a, Shape b) {
        if (!condition) {
            throw new IllegalArgumentException(operation + ": shapes don't fit, found " + a + " and " + b);
        }
    }
}
