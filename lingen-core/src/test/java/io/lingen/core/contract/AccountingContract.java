package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.accounting.OperationKind;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Padding;
import io.lingen.core.op.Rotation;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract of operation counts, which follow the formulas of the specification, section 7, for any implementation. */
public abstract class AccountingContract extends BackendContract {
    @BeforeEach
    final void startFromZero() {
        backend().operations().reset();
    }

    @Test
    void linearLayers() {
        Layer layer = layer(DType.F32, 7, 5, true);
        backend().linear(normal(DType.F32, 1, 3, 7).tensor(), layer.weights(), Epilogue.GELU, output(DType.F32, 3, 5));
        assertCount(OperationKind.LINEAR, 2 * 3 * 7 * 5);
    }

    @Test
    void attention() {
        Heads q = new Heads(normal(DType.F32, 1, 3, 8).tensor(), 0, 2, 4);
        Heads k = new Heads(normal(DType.F32, 1, 5, 8).tensor(), 0, 2, 4);
        backend().attention(q, k, k, null, output(DType.F32, 3, 8));
        assertCount(OperationKind.ATTENTION, 4 * 3 * 5 * 8);
    }

    @Test
    void linearAttention() {
        Heads heads = new Heads(normal(DType.F32, 1, 8, 12).tensor(), 0, 2, 6);
        Tensor table = normal(DType.F32, 1, 2, 2).tensor();
        Rotation rotation = new Rotation(new Grid(2, 2, 2), table, table, table);
        backend().linearAttention(heads, heads, heads, rotation, output(DType.F32, 8, 12));
        // A multiply-add per element of the state, to sum it and to apply it.
        assertCount(OperationKind.ATTENTION, 2 * 2 * 8 * 2 * (6 * 6));
    }

    @Test
    void windows() {
        Heads q = new Heads(normal(DType.F32, 1, 8 * 4 * 4, 8).tensor(), 0, 2, 4);
        Windows windows = new Windows(new Dims3(4, 2, 4), false);
        backend().windowAttention(q, q, q, new Grid(8, 4, 4), windows, null, output(DType.F32, 128, 8));
        assertCount(OperationKind.WINDOW_ATTENTION, 4L * 8 * 128 * (4 * 2 * 4));
    }

    @Test
    void scans() {
        ScanSpec spec = new ScanSpec(8, 4, 1, 4, 3, 6);
        Grid grid = new Grid(2, 3, 4);
        ScanPath path = new ScanPath(grid, null, ScanOrder.of("thw", false), false);
        Tensor projection = normal(DType.F32, 1, 24, 8 + 4 + 4 + 2).tensor();
        Tensor heads = normal(DType.F32, 1, 2).tensor();
        ScanWeights weights = new ScanWeights(
                normal(DType.F32, 1, 16, 3).tensor(), normal(DType.F32, 1, 16).tensor(), heads, heads, heads);
        backend()
                .selectiveScan(
                        new ScanInput(projection, 0, 8, 12, 16), path, spec, weights, false, output(DType.F32, 24, 8));
        // Per token: convolution 2 taps (di + 2Gn), SSD 2 Q Gn + 2 di (Q + 2n).
        assertCount(OperationKind.SCAN, 24L * (2 * 3 * 16 + 2 * 6 * 4 + 2 * 8 * (6 + 2 * 4)));
    }

    @Test
    void convolutions() {
        ConvolutionParameters source = new ConvolutionParameters(
                HostTensor.of(normals(1, 5 * 4 * 9), 5, 4, 1, 3, 3),
                HostTensor.of(new float[5], 5),
                new Dims3(1, 2, 2),
                Padding.same(new Dims3(1, 3, 3)));
        ConvolutionWeights weights = backend().packConvolution(workspace(), source, DType.F32);
        backend().convolution(normal(DType.F32, 1, 2, 6, 6, 4).tensor(), weights, output(DType.F32, 2, 3, 3, 5));
        assertCount(OperationKind.CONVOLUTION, 2L * (2 * 3 * 3 * 5) * (4 * 9));
        backend().operations().reset();
        ConvolutionParameters causal = new ConvolutionParameters(
                HostTensor.of(normals(1, 5 * 4 * 27), 5, 4, 3, 3, 3),
                HostTensor.of(new float[5], 5),
                Dims3.ONE,
                new Padding(0, 0, 1, 1, 1, 1));
        backend()
                .convolution(
                        normal(DType.F32, 1, 3, 6, 6, 4).tensor(),
                        backend().packConvolution(workspace(), causal, DType.F32),
                        output(DType.F32, 1, 6, 6, 5));
        assertCount(OperationKind.CONVOLUTION, 2L * (6 * 6 * 5) * (4 * 27));
    }

    @Test
    void depthwiseConvolutions() {
        Tensor x = normal(DType.F32, 1, 8, 10).tensor();
        Tensor weight = normal(DType.F32, 1, 10, 3, 3).tensor();
        Tensor bias = normal(DType.F32, 1, 10).tensor();
        backend().gatedDepthwiseConvolution(x, new Grid(2, 2, 2), weight, bias, output(DType.F32, 8, 5));
        assertCount(OperationKind.CONVOLUTION, 2 * 8 * 10 * 9);
    }

    @Test
    void productsNormsAndRotationsCountOncePerElement() {
        Tensor x = normal(DType.F32, 1, 8, 12).tensor();
        Tensor table = normal(DType.F32, 1, 2, 2).tensor();
        backend().multiply(x, x, x);
        assertCount(OperationKind.ELEMENTWISE, 8 * 12);
        backend().rmsNorm(x, normal(DType.F32, 1, 12).tensor(), 1e-6f, true, x);
        assertCount(OperationKind.ELEMENTWISE, 2 * 8 * 12);
        backend().rotate(new Heads(x, 5, 1, 6), new Rotation(new Grid(2, 2, 2), table, table, table));
        assertCount(OperationKind.ELEMENTWISE, 2 * 8 * 12 + 8 * 6);
    }

    @Test
    void rejectedCallsAreNotCounted() {
        Tensor a = output(DType.F32, 3);
        Tensor b = output(DType.F32, 4);
        assertRejected(() -> backend().add(a, b, a));
        assertEquals(0, backend().operations().total());
        backend().add(a, a, a);
        assertCount(OperationKind.ELEMENTWISE, 3);
    }

    @Test
    void backendsHaveANameAndADescription() {
        assertFalse(backend().name().isBlank());
        assertFalse(backend().description().isBlank());
        assertFalse(backend().description().contains("\n"), "one line");
    }

    private void assertCount(OperationKind kind, long expected) {
        assertEquals(expected, backend().operations().count(kind));
        assertEquals(expected, backend().operations().total());
    }
}
