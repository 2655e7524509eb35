package io.lingen.core.backend;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.op.ConvolutionParameters;
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
import io.lingen.core.spi.TensorStore;
import org.jspecify.annotations.Nullable;

/** Checks of the arguments of all operations, one method per operation. Each throws {@link IllegalArgumentException}. */
final class Checks {
    private final TensorStore store;

    /** @param store the required owner of all tensors and workspaces */
    Checks(TensorStore store) {
        this.store = store;
    }

    /** Checks the workspace of an upload or of packed weights. */
    void workspace(String operation, Workspace workspace) {
        if (!store.owns(workspace)) {
            throw new IllegalArgumentException(operation + ": the workspace must belong to this " + store.name()
                    + " backend, found one of another backend; open one with newWorkspace() here");
        }
    }

    void download(Tensor tensor) {
        requireOwned("download", tensor);
    }

    void download(Tensor tensor, float[] target) {
        requireOwned("download", tensor);
        requireLength("download", tensor, target.length);
    }

    void downloadPixels(Tensor tensor, byte[] target) {
        requireOwned("downloadPixels", tensor);
        requireLength("downloadPixels", tensor, target.length);
    }

    void write(HostTensor source, Tensor target) {
        requireOwned("write", target);
        require(source.shape().equals(target.shape()), "write", source.shape(), target.shape());
    }

    void normal(Tensor out) {
        requireOwned("normal", out);
    }

    static void gemmType(DType dtype) {
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("operands of GEMMs must be F32 or BF16, found " + dtype);
        }
    }

    void copy(Tensor x, Tensor out) {
        requireOwned("copy", x, out);
        require(x.shape().elements() == out.shape().elements(), "copy", x, out);
    }

    void add(Tensor a, Tensor b, Tensor out) {
        requireOwned("add", a, b, out);
        require(sameShape(a, b, out), "add", a, b, out);
    }

    void multiply(Tensor a, Tensor b, Tensor out) {
        requireOwned("multiply", a, b, out);
        require(sameShape(a, b, out), "multiply", a, b, out);
    }

    void addScaled(Tensor x, Tensor y) {
        requireOwned("addScaled", x, y);
        require(sameShape(x, y), "addScaled", x, y);
    }

    void interpolate(Tensor a, Tensor b, Tensor out) {
        requireOwned("interpolate", a, b, out);
        require(sameShape(a, b, out), "interpolate", a, b, out);
    }

    void patchify(Tensor video, PatchSize patch, Tensor tokens) {
        requireOwned("patchify", video, tokens);
        requirePatches(video, patch, tokens, "patchify");
    }

    void unpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        requireOwned("unpatchify", tokens, video);
        requirePatches(video, patch, tokens, "unpatchify");
    }

    void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        requireOwned("addPosition", x, tableT, tableH, tableW, out);
        long d = x.shape().last();
        require(isMatrix(x, grid.cells(), d) && sameShape(x, out), "addPosition over " + grid, x, out);
        require(isTable(tableT, grid.t(), d), "addPosition, table t for " + grid, x, tableT);
        require(isTable(tableH, grid.h(), d), "addPosition, table h for " + grid, x, tableH);
        require(isTable(tableW, grid.w(), d), "addPosition, table w for " + grid, x, tableW);
    }

    void rotate(Heads heads, Rotation rotation) {
        requireOwned("rotate", heads.matrix(), rotation.tableT(), rotation.tableH(), rotation.tableW());
        requireRotation("rotate", heads, rotation);
    }

    void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out) {
        requireOwned("averagePool", x, out);
        long d = x.shape().last();
        require(
                isMatrix(x, grid.cells(), d)
                        && isMatrix(out, grid.dividedBy(kernel).cells(), d),
                "averagePool of " + grid + " by " + kernel,
                x,
                out);
    }

    void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, Tensor out) {
        requireOwned("modulatedLayerNorm", x, shift, scale, out);
        long d = x.shape().last();
        require(
                sameMatrix(x, out) && isParameter(shift, d) && isParameter(scale, d),
                "modulatedLayerNorm",
                x,
                shift,
                scale,
                out);
    }

    void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, Tensor out) {
        requireOwned("gatedRmsNorm", y, z, weight, out);
        require(
                sameMatrix(y, out)
                        && sameMatrix(y, z)
                        && isParameter(weight, y.shape().last()),
                "gatedRmsNorm",
                y,
                z,
                weight,
                out);
    }

    void rmsNorm(Tensor x, Tensor weight, Tensor out) {
        requireOwned("rmsNorm", x, weight, out);
        require(sameMatrix(x, out) && isParameter(weight, x.shape().last()), "rmsNorm", x, weight, out);
    }

    void headRmsNorm(Heads heads, Tensor weight) {
        requireOwned("headRmsNorm", heads.matrix(), weight);
        require(isParameter(weight, heads.headDim()), "headRmsNorm", heads.matrix(), weight);
    }

    void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, Tensor out) {
        requireOwned("groupNorm", x, weight, bias, out);
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
    }

    void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        requireOwned("linear", x, epilogue.gate(), out);
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
    }

    void convolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        requireOwned("convolution", x, out);
        ConvolutionParameters source = weights.parameters();
        require(
                x.shape().rank() == 4
                        && x.shape().last() == source.inChannels()
                        && out.shape().equals(source.outputOf(x.shape())),
                "convolution with weight " + source.weight().shape(),
                x,
                out);
    }

    void gatedDepthwiseConvolution(Tensor x, Grid grid, Tensor weight, Tensor bias, Tensor out) {
        requireOwned("gatedDepthwiseConvolution", x, weight, bias, out);
        long channels = x.shape().last();
        require(
                channels % 2 == 0
                        && isMatrix(x, grid.cells(), channels)
                        && isMatrix(out, grid.cells(), channels / 2)
                        && isParameter(weight, 9 * channels)
                        && isParameter(bias, channels),
                "gatedDepthwiseConvolution over " + grid,
                x,
                weight,
                bias,
                out);
    }

    void upsampleNearest(Tensor x, Dims3 factor, Tensor out) {
        requireOwned("upsampleNearest", x, out);
        boolean fits = x.shape().rank() == 4
                && out.shape().rank() == 4
                && out.shape().last() == x.shape().last();
        for (int axis = 0; fits && axis < 3; axis++) {
            fits = Math.ceilDiv(out.shape().length(axis), (long) factor.length(axis))
                    == x.shape().length(axis);
        }
        require(fits, "upsampleNearest by " + factor, x, out);
    }

    void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, Tensor out) {
        requireOwned("attention", q.matrix(), k.matrix(), v.matrix(), weights, out);
        requireHeads(q, k, v, "attention");
        require(isMatrix(out, q.tokens(), q.width()), "attention of width " + q.width(), q.matrix(), out);
        if (weights != null) {
            require(isParameter(weights, k.tokens()), "weights of the keys of attention", k.matrix(), weights);
        }
    }

    void windowAttention(Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        requireOwned("windowAttention", q.matrix(), k.matrix(), v.matrix(), bias, out);
        requireHeads(q, k, v, "windowAttention");
        require(
                q.tokens() == grid.cells() && k.tokens() == grid.cells() && isMatrix(out, grid.cells(), q.width()),
                "windowAttention over " + grid,
                q.matrix(),
                k.matrix(),
                out);
        if (bias != null) {
            require(
                    bias.dtype() == DType.F32 && bias.shape().equals(Shape.of(q.heads(), windows.offsets())),
                    "bias of windowAttention with windows of " + windows.size(),
                    bias);
        }
    }

    void linearAttention(Heads q, Heads k, Heads v, Rotation rotation, Tensor out) {
        requireOwned(
                "linearAttention",
                q.matrix(),
                k.matrix(),
                v.matrix(),
                rotation.tableT(),
                rotation.tableH(),
                rotation.tableW(),
                out);
        requireHeads(q, k, v, "linearAttention");
        requireRotation("linearAttention", q, rotation);
        require(
                k.tokens() == q.tokens() && isMatrix(out, q.tokens(), q.width()),
                "linearAttention of width " + q.width(),
                q.matrix(),
                k.matrix(),
                out);
    }

    void selectiveScan(ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, Tensor y) {
        requireOwned(
                "selectiveScan",
                input.projection(),
                weights.convWeight(),
                weights.convBias(),
                weights.dtBias(),
                weights.aLog(),
                weights.d(),
                y);
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
    }

    void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        requireOwned("causalConvolution", x, weight, bias, out);
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
    }

    void diagonalScan(
            Tensor x, Tensor dt, Tensor bc, long b, long c, ScanPath path, DiagonalScanWeights weights, Tensor y) {
        requireOwned("diagonalScan", x, dt, bc, weights.dtBias(), weights.aLog(), weights.d(), y);
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
    }

    private void requireOwned(String operation, @Nullable Tensor... tensors) {
        for (Tensor tensor : tensors) {
            if (tensor != null && !store.owns(tensor)) {
                throw new IllegalArgumentException(operation + ": the tensor must belong to this " + store.name()
                        + " backend, found " + tensor.dtype() + tensor.shape()
                        + " of another backend; download it there and upload it here");
            }
        }
    }

    private static void requireLength(String operation, Tensor tensor, int length) {
        require(tensor.shape().elements() == length, operation, tensor.shape(), Shape.of(length));
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

    private static void requireRotation(String operation, Heads heads, Rotation rotation) {
        require(
                heads.tokens() == rotation.grid().cells() && heads.headDim() == rotation.headDim(),
                operation + " of heads of " + heads.headDim() + " with a rotation of heads of " + rotation.headDim()
                        + " over " + rotation.grid(),
                heads.matrix());
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
            throw new IllegalArgumentException(
                    operation + ": tensors must have the shapes and types that Backend documents, found " + found);
        }
    }

    private static void require(boolean condition, String operation, Shape a, Shape b) {
        if (!condition) {
            throw new IllegalArgumentException(operation + ": sizes must be equal, found " + a + " and " + b);
        }
    }
}
