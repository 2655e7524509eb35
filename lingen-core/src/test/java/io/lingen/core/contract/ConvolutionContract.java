package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Padding;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract of convolutions and of the upsampling of channels-last videos. */
public abstract class ConvolutionContract extends BackendContract {
    @ParameterizedTest
    @CsvSource({
        // video, in, out, kernel, strides
        "1, 1, 1, 1, 1,  1, 1, 1,  1, 1, 1",
        "1, 1, 1, 3, 2,  3, 3, 3,  1, 1, 1",
        "2, 5, 4, 3, 7,  1, 3, 3,  1, 1, 1",
        "5, 3, 2, 16, 16,  3, 1, 1,  1, 1, 1",
        "1, 7, 9, 17, 3,  1, 3, 3,  1, 1, 1",
        "3, 4, 5, 8, 6,  3, 3, 3,  1, 1, 1",
        "2, 8, 7, 5, 9,  1, 3, 3,  1, 2, 2",
        "7, 2, 3, 4, 4,  3, 1, 1,  2, 1, 1",
        "5, 5, 6, 3, 5,  3, 3, 3,  2, 2, 2",
        "1, 6, 6, 33, 31,  1, 1, 1,  1, 1, 1",
        "1, 11, 2, 2, 3,  1, 5, 1,  1, 3, 1",
        "2, 9, 9, 64, 32,  1, 3, 3,  1, 1, 1"
    })
    void allSizesMatchTheReference(
            int t, int h, int w, int in, int out, int kt, int kh, int kw, int strideT, int strideH, int strideW) {
        Dims3 kernel = new Dims3(kt, kh, kw);
        Dims3 stride = new Dims3(strideT, strideH, strideW);
        for (DType product : TYPES) {
            assertConvolution(
                    Shape.of(t, h, w, in),
                    source(out, in, kernel, stride, Padding.same(kernel)),
                    product,
                    DType.F32,
                    DType.F32);
        }
    }

    @ParameterizedTest
    @CsvSource({
        // video, in, out, kernel, strides, padding before and after t, h, w
        // Causal layers with two previous frames.
        "3, 5, 7, 16, 8,  3, 3, 3,  1, 1, 1,  0, 0, 1, 1, 1, 1",
        "4, 18, 40, 64, 96,  3, 3, 3,  1, 1, 1,  0, 0, 1, 1, 1, 1",
        "6, 6, 5, 17, 9,  3, 1, 1,  1, 1, 1,  0, 0, 0, 0, 0, 0",
        "2, 4, 4, 8, 16,  3, 3, 3,  1, 1, 1,  2, 0, 1, 1, 1, 1",
        "3, 35, 6, 24, 16,  3, 3, 3,  1, 1, 1,  0, 0, 1, 1, 1, 1",
        "3, 41, 5, 8, 8,  3, 3, 3,  1, 2, 1,  0, 0, 0, 1, 1, 1",
        "3, 30, 4, 16, 16,  3, 1, 1,  1, 1, 1,  0, 0, 0, 0, 0, 0",
        // Downsampling of height and width with a row and a column of zeros at the end, and of time without padding.
        "2, 8, 12, 16, 24,  1, 3, 3,  1, 2, 2,  0, 0, 0, 1, 0, 1",
        "3, 2, 2, 8, 8,  3, 1, 1,  2, 1, 1,  0, 0, 0, 0, 0, 0",
        "1, 2, 2, 8, 5,  1, 3, 3,  1, 2, 2,  0, 0, 0, 1, 0, 1",
        "5, 3, 4, 8, 8,  3, 1, 1,  2, 1, 1,  0, 0, 0, 0, 0, 0",
        // Even kernels.
        "3, 5, 6, 7, 5,  2, 4, 2,  1, 1, 1,  0, 1, 1, 2, 0, 1",
        "4, 6, 8, 3, 16,  2, 2, 2,  2, 2, 2,  0, 0, 0, 0, 0, 0",
        "1, 33, 37, 24, 40,  1, 4, 4,  1, 1, 1,  0, 0, 2, 1, 1, 2",
        // Padding on one side, unequal padding, and a kernel as long as the padded input.
        "2, 5, 9, 32, 33,  1, 4, 5,  1, 1, 1,  0, 0, 3, 0, 1, 4",
        "5, 4, 3, 8, 8,  3, 3, 3,  1, 1, 1,  2, 2, 2, 2, 2, 2",
        "1, 1, 1, 4, 4,  3, 3, 3,  1, 1, 1,  2, 0, 1, 1, 0, 2",
        "7, 9, 10, 6, 3,  3, 5, 3,  2, 3, 2,  2, 0, 0, 4, 1, 0",
        "2, 20, 21, 136, 72,  1, 3, 3,  1, 1, 1,  0, 0, 0, 0, 2, 0"
    })
    void paddingMayDifferPerSide(
            int t,
            int h,
            int w,
            int in,
            int out,
            int kt,
            int kh,
            int kw,
            int strideT,
            int strideH,
            int strideW,
            int beforeT,
            int afterT,
            int beforeH,
            int afterH,
            int beforeW,
            int afterW) {
        ConvolutionParameters source = source(
                out,
                in,
                new Dims3(kt, kh, kw),
                new Dims3(strideT, strideH, strideW),
                new Padding(beforeT, afterT, beforeH, afterH, beforeW, afterW));
        for (DType type : TYPES) {
            assertConvolution(Shape.of(t, h, w, in), source, type, DType.F32, DType.F32);
            assertConvolution(Shape.of(t, h, w, in), source, DType.BF16, type, DType.BF16);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void singleFramesGiveTheCausalConvolution(DType dtype) {
        int frames = 5;
        int cells = 6 * 7;
        Sample x = normal(dtype, 1, frames, 6, 7, 24);
        ConvolutionParameters whole = source(16, 24, new Dims3(3, 3, 3), Dims3.ONE, new Padding(2, 0, 1, 1, 1, 1));
        ConvolutionParameters step =
                new ConvolutionParameters(whole.weight(), whole.bias(), Dims3.ONE, new Padding(0, 0, 1, 1, 1, 1));
        Tensor expected = output(DType.F32, frames, 6, 7, 16);
        backend().convolution(x.tensor(), backend().packConvolution(workspace(), whole, dtype), expected);
        ConvolutionWeights weights = backend().packConvolution(workspace(), step, dtype);
        Sample kept = sample(dtype, new float[3 * cells * 24], 3, 6, 7, 24);
        Tensor y = output(DType.F32, frames, 6, 7, 16);
        for (int t = 0; t < frames; t++) {
            for (int past = 0; past < 3; past++) {
                int from = t + past - 2;
                if (from >= 0) {
                    backend()
                            .copy(
                                    x.tensor().slice(from, from + 1),
                                    kept.tensor().slice(past, past + 1));
                }
            }
            backend().convolution(kept.tensor(), weights, y.slice(t, t + 1));
        }
        float[] values = floats(expected);
        double[] wanted = new double[values.length];
        Arrays.setAll(wanted, i -> values[i]);
        assertClose(wanted, y, tolerance(24 * 27, DType.F32));
    }

    @ParameterizedTest
    @CsvSource({"F32, F32, BF16", "F32, BF16, F32", "BF16, F32, F32", "BF16, BF16, BF16"})
    void typesMayBeMixed(DType product, DType in, DType out) {
        for (Dims3 kernel : List.of(new Dims3(1, 3, 3), new Dims3(3, 1, 1), new Dims3(3, 3, 3))) {
            assertConvolution(
                    Shape.of(3, 5, 6, 16), source(24, 16, kernel, Dims3.ONE, Padding.same(kernel)), product, in, out);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1,  1, 1, 1, F32, F32",
        "2, 3, 1, 5,  2, 2, 2, F32, F32",
        "3, 2, 4, 16,  1, 2, 2, F32, BF16",
        "2, 5, 3, 17,  2, 1, 1, BF16, F32",
        "1, 3, 3, 33,  3, 4, 5, BF16, BF16"
    })
    void upsampling(int t, int h, int w, int c, int ft, int fh, int fw, DType in, DType out) {
        Sample x = normal(in, 1, t, h, w, c);
        Tensor y = output(out, t * ft, h * fh, w * fw, c);
        Dims3 factor = new Dims3(ft, fh, fw);
        backend().upsampleNearest(x.tensor(), factor, y);
        double[] expected =
                ReferenceOperations.upsampleNearest(x.values(), x.tensor().shape(), factor, y.shape());
        assertClose(rounded(expected, out), y, 0);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, F32, F32",
        "5, 7, 10, 24, F32, BF16",
        "9, 12, 5, 17, BF16, F32",
        "8, 1, 11, 520, BF16, BF16"
    })
    void upsamplingIsCutToTheOutput(int t, int h, int w, int c, DType in, DType out) {
        Dims3 factor = new Dims3(4, 4, 4);
        Grid blocks = new Grid(t, h, w).dividedBy(factor);
        Sample x = normal(in, 1, blocks.t(), blocks.h(), blocks.w(), c);
        Tensor y = output(out, t, h, w, c);
        backend().upsampleNearest(x.tensor(), factor, y);
        double[] expected =
                ReferenceOperations.upsampleNearest(x.values(), x.tensor().shape(), factor, y.shape());
        assertClose(rounded(expected, out), y, 0);
        Tensor longer = output(out, 4L * blocks.t() + 1, h, w, c);
        assertRejected(() -> backend().upsampleNearest(x.tensor(), factor, longer));
        Tensor other = output(out, t, h, w, c + 1);
        assertRejected(() -> backend().upsampleNearest(x.tensor(), factor, other));
    }

    @ParameterizedTest
    @CsvSource({
        // grid, channels, types
        "1, 1, 1,  1, F32, F32",
        "2, 3, 4,  5, F32, F32",
        "1, 5, 7,  17, F32, BF16",
        "3, 4, 1,  16, BF16, BF16",
        "2, 1, 9,  33, BF16, F32",
        "1, 9, 13,  72, F32, F32",
        "2, 17, 19,  136, BF16, BF16",
        "1, 3, 35,  264, BF16, BF16",
        "1, 35, 3,  64, F32, BF16",
        "1, 18, 34,  40, BF16, BF16",
        "2, 2, 2,  1031, BF16, BF16"
    })
    void gatedDepthwiseConvolution(int t, int h, int w, int channels, DType in, DType out) {
        Grid grid = new Grid(t, h, w);
        Sample x = normal(in, 2, grid.cells(), 2 * channels);
        Sample weight = normal(DType.F32, 0.4, 2 * channels, 1, 3, 3);
        Sample bias = normal(DType.F32, 0.5, 2 * channels);
        Tensor y = output(out, grid.cells(), channels);
        backend().gatedDepthwiseConvolution(x.tensor(), grid, weight.tensor(), bias.tensor(), y);
        double[] expected =
                ReferenceOperations.gatedDepthwiseConvolution(x.values(), grid, weight.values(), bias.values());
        assertClose(expected, y, tolerance(9, in, out));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void framesOfADepthwiseConvolutionAreIndependent(DType dtype) {
        Grid grid = new Grid(4, 6, 5);
        Tensor x = normal(dtype, 1, grid.cells(), 2 * 24).tensor();
        Tensor weight = normal(DType.F32, 1, 2 * 24, 3, 3).tensor();
        Tensor bias = normal(DType.F32, 1, 2 * 24).tensor();
        Tensor together = output(dtype, grid.cells(), 24);
        Tensor apart = output(dtype, grid.cells(), 24);
        backend().gatedDepthwiseConvolution(x, grid, weight, bias, together);
        for (int[] frames : new int[][] {{0, 1}, {1, 4}}) {
            Grid part = new Grid(frames[1] - frames[0], 6, 5);
            long from = frames[0] * grid.stride(0);
            long to = frames[1] * grid.stride(0);
            backend().gatedDepthwiseConvolution(x.slice(from, to), part, weight, bias, apart.slice(from, to));
        }
        assertArrayEquals(floats(together), floats(apart));
    }

    @Test
    void invalidArgumentsAreRejected() {
        Dims3 kernel = new Dims3(3, 3, 3);
        ConvolutionParameters halving = source(3, 2, kernel, new Dims3(1, 2, 2), Padding.same(kernel));
        ConvolutionWeights weights = backend().packConvolution(workspace(), halving, DType.F32);
        assertEquals(DType.F32, weights.dtype());
        Tensor x = normal(DType.F32, 1, 3, 4, 4, 2).tensor();
        Tensor y = output(DType.F32, 3, 4, 4, 3);
        assertRejected(() -> backend().convolution(x, weights, y));
        Tensor wide = normal(DType.F32, 1, 3, 4, 4, 3).tensor();
        Tensor half = output(DType.F32, 3, 2, 2, 3);
        assertRejected(() -> backend().convolution(wide, weights, half));
        assertRejected(() -> source(3, 2, kernel, Dims3.ONE, new Padding(3, 0, 1, 1, 1, 1)));
        assertRejected(() -> source(3, 2, kernel, Dims3.ONE, new Padding(0, 0, 1, 1, 1, 3)));
        assertRejected(() -> new Padding(0, 0, 0, -1, 0, 0));
        ConvolutionParameters causal = source(3, 2, kernel, Dims3.ONE, new Padding(0, 0, 1, 1, 1, 1));
        ConvolutionWeights step = backend().packConvolution(workspace(), causal, DType.F32);
        backend().convolution(x, step, output(DType.F32, 1, 4, 4, 3));
        assertRejected(() -> backend().convolution(x, step, y));
        Tensor shorter = normal(DType.F32, 1, 2, 4, 4, 2).tensor();
        assertRejected(() -> backend().convolution(shorter, step, output(DType.F32, 1, 4, 4, 3)));
        Dims3 factor = new Dims3(1, 2, 2);
        assertRejected(() -> backend().upsampleNearest(x, factor, y));
        Grid grid = new Grid(3, 2, 2);
        Tensor cells = normal(DType.F32, 1, 12, 6).tensor();
        Tensor taps = normal(DType.F32, 1, 6, 3, 3).tensor();
        Tensor six = normal(DType.F32, 1, 6).tensor();
        Tensor gated = output(DType.F32, 12, 3);
        backend().gatedDepthwiseConvolution(cells, grid, taps, six, gated);
        assertRejected(() -> backend().gatedDepthwiseConvolution(cells, new Grid(3, 2, 3), taps, six, gated));
        assertRejected(() -> backend().gatedDepthwiseConvolution(cells, grid, six, six, gated));
        assertRejected(() -> backend().gatedDepthwiseConvolution(cells, grid, taps, taps, gated));
        assertRejected(() -> backend().gatedDepthwiseConvolution(cells, grid, taps, six, cells));
        Tensor coarse = normal(DType.BF16, 1, 6, 3, 3).tensor();
        assertRejected(() -> backend().gatedDepthwiseConvolution(cells, grid, coarse, six, gated));
        Tensor odd = normal(DType.F32, 1, 12, 5).tensor();
        assertRejected(() -> backend().gatedDepthwiseConvolution(odd, grid, taps, six, gated));
    }

    private ConvolutionParameters source(int out, int in, Dims3 kernel, Dims3 stride, Padding padding) {
        int taps = in * (int) kernel.volume();
        return new ConvolutionParameters(
                HostTensor.of(
                        normals(1 / Math.sqrt(taps), (long) out * taps), out, in, kernel.t(), kernel.h(), kernel.w()),
                HostTensor.of(normals(1, out), out),
                stride,
                padding);
    }

    private void assertConvolution(Shape shape, ConvolutionParameters source, DType product, DType in, DType out) {
        ConvolutionWeights weights = backend().packConvolution(workspace(), source, product);
        Sample x = normal(in, 1, shape.toArray());
        Tensor y = output(out, source.outputOf(shape).toArray());
        backend().convolution(x.tensor(), weights, y);
        double[] expected = ReferenceOperations.convolution(
                rounded(x.values(), product),
                shape,
                rounded(source.weight().toFloats(), product),
                rounded(source.bias().toFloats(), DType.F32),
                source);
        long terms = source.weight().shape().elements() / source.outChannels();
        assertClose(expected, y, tolerance(terms, product, in, out));
    }
}
