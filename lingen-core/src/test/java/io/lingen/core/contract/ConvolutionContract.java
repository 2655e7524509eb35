package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The convolution and the upsampling of channels-last videos. */
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
    void everySizeFits(
            int t, int h, int w, int in, int out, int kt, int kh, int kw, int strideT, int strideH, int strideW) {
        for (DType product : TYPES) {
            assertConvolution(
                    Shape.of(t, h, w, in),
                    source(out, in, kt, kh, kw, strideT, strideH, strideW),
                    product,
                    DType.F32,
                    DType.F32);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, F32, BF16", "F32, BF16, F32", "BF16, F32, F32", "BF16, BF16, BF16"})
    void typesMix(DType product, DType in, DType out) {
        assertConvolution(Shape.of(2, 5, 6, 16), source(24, 16, 1, 3, 3, 1, 1, 1), product, in, out);
        assertConvolution(Shape.of(5, 3, 2, 16), source(24, 16, 3, 1, 1, 1, 1, 1), product, in, out);
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
                ReferenceOperations.upsampleNearest(x.values(), x.tensor().shape(), factor);
        assertClose(rounded(expected, out), y, 0);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        ConvolutionWeights weights = backend().packConvolution(workspace(), source(3, 2, 3, 3, 3, 1, 2, 2), DType.F32);
        assertEquals(DType.F32, weights.dtype());
        Tensor x = normal(DType.F32, 1, 3, 4, 4, 2).tensor();
        Tensor y = output(DType.F32, 3, 4, 4, 3);
        assertRefused(() -> backend().convolution(x, weights, y));
        Tensor wide = normal(DType.F32, 1, 3, 4, 4, 3).tensor();
        Tensor half = output(DType.F32, 3, 2, 2, 3);
        assertRefused(() -> backend().convolution(wide, weights, half));
        assertRefused(() -> source(3, 2, 2, 3, 3, 1, 1, 1));
        assertRefused(() -> source(3, 2, 3, 3, 3, 0, 1, 1));
        Dims3 factor = new Dims3(1, 2, 2);
        assertRefused(() -> backend().upsampleNearest(x, factor, y));
    }

    private ConvolutionParameters source(
            int out, int in, int kt, int kh, int kw, int strideT, int strideH, int strideW) {
        int taps = in * kt * kh * kw;
        return new ConvolutionParameters(
                HostTensor.of(normals(1 / Math.sqrt(taps), (long) out * taps), out, in, kt, kh, kw),
                HostTensor.of(normals(1, out), out),
                new Dims3(strideT, strideH, strideW));
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
