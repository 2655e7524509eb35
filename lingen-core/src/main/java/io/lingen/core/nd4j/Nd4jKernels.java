package io.lingen.core.nd4j;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The reference kernels. Each operation is one formula on F32 arrays, whose result is rounded to the type of the output. ND4J has one
 * number of threads per process, which the backend created last sets.
 */
final class Nd4jKernels implements Kernels {
    static final String NAME = "nd4j";

    /** Creates kernels and sets the number of threads of ND4J. */
    Nd4jKernels(BackendOptions options) {
        Nd4j.getEnvironment().setMaxMasterThreads(options.threads());
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String description() {
        return Nd4jRuntime.description();
    }

    @Override
    public Workspace newWorkspace(MemoryMeter meter) {
        return new Nd4jWorkspace(this, meter);
    }

    @Override
    public boolean owns(Workspace workspace) {
        return workspace instanceof Nd4jWorkspace && ((Nd4jWorkspace) workspace).owner() == this;
    }

    @Override
    public boolean owns(Tensor tensor) {
        return tensor instanceof Nd4jTensor && ((Nd4jTensor) tensor).isOwnedBy(this);
    }

    @Override
    public HostTensor download(Tensor tensor) {
        HostTensor[] host = new HostTensor[1];
        Nd4jRuntime.inScope(() -> host[0] = Nd4jTensor.of(tensor).load());
        return host[0];
    }

    @Override
    public LinearWeights packLinear(Workspace workspace, LinearParameters source, DType dtype) {
        HostTensor bias = source.bias();
        return new Nd4jLinear(
                packed(workspace, source.weight(), dtype),
                bias == null
                        ? null
                        : packed(workspace, bias.reshape(1, bias.shape().elements()), DType.F32),
                dtype);
    }

    @Override
    public ConvolutionWeights packConvolution(Workspace workspace, ConvolutionParameters source, DType dtype) {
        return new Nd4jConvolution(
                source,
                packed(workspace, source.weight(), dtype),
                packed(workspace, source.bias().reshape(1, source.outChannels()), DType.F32),
                dtype);
    }

    @Override
    public void close() {}

    /** Returns a parameter as [1, elements]. */
    static INDArray row(Tensor parameter) {
        return Nd4jTensor.of(parameter).values(1, parameter.shape().elements());
    }

    @Override
    public void write(HostTensor source, Tensor target) {
        Nd4jRuntime.inScope(() -> Nd4jTensor.of(target).store(source));
    }

    @Override
    public void copy(Tensor x, Tensor out) {
        store(out, () -> matrix(x));
    }

    @Override
    public void add(Tensor a, Tensor b, Tensor out) {
        store(out, () -> matrix(a).add(matrix(b)));
    }

    @Override
    public void multiply(Tensor a, Tensor b, Tensor out) {
        store(out, () -> matrix(a).mul(matrix(b)));
    }

    @Override
    public void addScaled(float alpha, Tensor x, Tensor y) {
        store(y, () -> matrix(y).add(matrix(x).mul(alpha)));
    }

    @Override
    public void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        store(out, () -> matrix(a).add(matrix(b).sub(matrix(a)).mul(s)));
    }

    @Override
    public void normal(long seed, Tensor out) {
        Shape shape = out.shape();
        int chunk = 1 << 20;
        Tensor flat = out.reshape(Shape.of(shape.elements()));
        for (long from = 0; from < shape.elements(); from += chunk) {
            float[] noise = new float[(int) Math.min(chunk, shape.elements() - from)];
            PhiloxNormal.fill(seed, from, noise, 0, noise.length);
            write(HostTensor.of(noise, noise.length), flat.slice(from, from + noise.length));
        }
    }

    @Override
    public void patchify(Tensor video, PatchSize patch, Tensor tokens) {
        store(tokens, () -> Tokens.patchify(values(video), patch, patch.gridOf(video.shape())));
    }

    @Override
    public void unpatchify(Tensor tokens, PatchSize patch, Tensor video) {
        store(video, () -> Tokens.unpatchify(matrix(tokens), patch, patch.gridOf(video.shape()), video.shape()));
    }

    @Override
    public void addPosition(Tensor x, Tensor tableT, Tensor tableH, Tensor tableW, Grid grid, Tensor out) {
        store(out, () -> Tokens.addPosition(matrix(x), matrix(tableT), matrix(tableH), matrix(tableW), grid));
    }

    @Override
    public void rotate(Heads heads, Rotation rotation) {
        storeColumns(heads, () -> Tokens.rotate(Attention.columns(heads), angles(rotation)));
    }

    @Override
    public void averagePool(Tensor x, Grid grid, Dims3 kernel, Tensor out) {
        store(out, () -> Tokens.averagePool(matrix(x), grid, kernel));
    }

    @Override
    public void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        store(out, () -> Norms.modulatedLayer(matrix(x), row(shift), row(scale), epsilon));
    }

    @Override
    public void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        store(out, () -> Norms.gatedRms(matrix(y), matrix(z), row(weight), epsilon));
    }

    @Override
    public void rmsNorm(Tensor x, Tensor weight, float epsilon, boolean silu, Tensor out) {
        store(out, () -> {
            INDArray y = Norms.rms(matrix(x), row(weight), epsilon);
            return silu ? Functions.silu(y) : y;
        });
    }

    @Override
    public void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        storeColumns(heads, () -> {
            INDArray vectors = Attention.columns(heads).reshape(heads.tokens() * heads.heads(), heads.headDim());
            return Norms.rms(vectors, row(weight), epsilon);
        });
    }

    @Override
    public void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        Shape shape = x.shape();
        store(out, () -> {
            INDArray grouped = Nd4jTensor.of(x)
                    .values(shape.length(0), shape.length(1) * shape.length(2), groups, shape.length(3) / groups);
            INDArray y = Norms.group(grouped, row(weight), row(bias), epsilon);
            return silu ? Functions.silu(y) : y;
        });
    }

    @Override
    public void linear(Tensor x, LinearWeights weights, Epilogue epilogue, Tensor out) {
        store(out, () -> {
            INDArray y = LinearOps.linear(matrix(x), packed(weights, Nd4jLinear.class));
            return LinearOps.epilogue(epilogue, y, Nd4jTensor.of(out));
        });
    }

    @Override
    public void convolution(Tensor x, ConvolutionWeights weights, Tensor out) {
        store(out, () -> LinearOps.convolution(values(x), packed(weights, Nd4jConvolution.class)));
    }

    @Override
    public void gatedDepthwiseConvolution(Tensor x, Grid grid, Tensor weight, Tensor bias, Tensor out) {
        long channels = x.shape().last();
        store(out, () -> {
            INDArray video = Functions.silu(Nd4jTensor.of(x).values(grid.t(), grid.h(), grid.w(), channels));
            INDArray taps = Nd4jTensor.of(weight).values(channels, 9);
            INDArray y = LinearOps.depthwise(video, taps).add(row(bias));
            INDArray gate = Functions.columns(y, channels / 2, channels / 2).dup('c');
            return Functions.columns(y, 0, channels / 2).mul(Functions.silu(gate));
        });
    }

    @Override
    public void upsampleNearest(Tensor x, Dims3 factor, Tensor out) {
        store(out, () -> Tokens.upsampleNearest(values(x), factor, out.shape()));
    }

    @Override
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, Tensor out) {
        store(
                out,
                () -> Attention.attention(
                        Attention.columns(q),
                        Attention.columns(k),
                        Attention.columns(v),
                        q.heads(),
                        weights == null ? null : Attention.logarithms(row(weights))));
    }

    @Override
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        store(out, () -> Attention.windows(q, k, v, grid, windows, bias == null ? null : matrix(bias)));
    }

    @Override
    public void linearAttention(Heads q, Heads k, Heads v, Rotation rotation, Tensor out) {
        store(
                out,
                () -> Attention.linear(
                        Attention.columns(q), Attention.columns(k), Attention.columns(v), q.heads(), angles(rotation)));
    }

    @Override
    public void selectiveScan(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, Tensor y) {
        store(y, () -> sum(accumulate, y, SelectiveScan.scan(input, path, spec, weights)));
    }

    @Override
    public void causalConvolution(Tensor x, long column, ScanPath path, Tensor weight, Tensor bias, Tensor out) {
        store(out, () -> {
            ScanSequence sequence = new ScanSequence(path);
            INDArray channels = sequence.gather(
                    Functions.columns(matrix(x), column, weight.shape().length(0)));
            return sequence.scatterToRows(ScanSequence.causalConvolution(channels, matrix(weight), row(bias)));
        });
    }

    @Override
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
        store(y, () -> sum(accumulate, y, DiagonalScan.scan(x, dt, bc, b, c, path, weights)));
    }

    private static INDArray angles(Rotation rotation) {
        return Tokens.angles(
                matrix(rotation.tableT()), matrix(rotation.tableH()), matrix(rotation.tableW()), rotation.grid());
    }

    private static INDArray sum(boolean accumulate, Tensor y, INDArray result) {
        return accumulate ? matrix(y).add(result) : result;
    }

    private static void store(Tensor out, Supplier<INDArray> formula) {
        Nd4jRuntime.inScope(() -> Nd4jTensor.of(out).store(formula.get()));
    }

    /** Overwrites the columns of heads with the result of a formula. */
    private static void storeColumns(Heads heads, Supplier<INDArray> formula) {
        store(heads.matrix(), () -> {
            INDArray result = matrix(heads.matrix()).dup();
            Functions.columns(result, heads.column(), heads.width())
                    .assign(formula.get().reshape(heads.tokens(), heads.width()));
            return result;
        });
    }

    private static INDArray matrix(Tensor tensor) {
        return Nd4jTensor.of(tensor).matrix();
    }

    private static INDArray values(Tensor tensor) {
        return Nd4jTensor.of(tensor).values(tensor.shape().toArray());
    }

    private static <T> T packed(Object weights, Class<T> type) {
        if (!type.isInstance(weights)) {
            throw new IllegalArgumentException("weights must be packed by this backend, nd4j, found " + weights);
        }
        return type.cast(weights);
    }

    /** Returns host weights as an F32 array, rounded to another type. */
    private INDArray packed(Workspace workspace, HostTensor source, DType dtype) {
        INDArray flat =
                ((Nd4jWorkspace) workspace).array(DataType.FLOAT, source.shape().elements());
        Nd4jTensor tensor = new Nd4jTensor(this, flat, DType.F32, source.shape());
        Nd4jRuntime.inScope(() -> {
            tensor.store(source);
            flat.assign(flat.castTo(Nd4jTensor.dataType(dtype)));
        });
        return tensor.array();
    }
}
