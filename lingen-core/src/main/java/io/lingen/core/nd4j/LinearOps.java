package io.lingen.core.nd4j;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import java.util.Objects;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Linear layers and convolutions. */
final class LinearOps {
    private LinearOps() {}

    /** Computes x W^T + bias. */
    static INDArray linear(INDArray x, Nd4jLinear layer) {
        INDArray product = rounded(x, layer.dtype()).mmul(layer.weight().transpose());
        return layer.bias() == null ? product : product.add(layer.bias());
    }

    /** Applies an epilogue to y and, if it adds, to the previous contents of the output. */
    static INDArray epilogue(Epilogue epilogue, INDArray y, Nd4jTensor out) {
        return switch (epilogue.kind()) {
            case NONE -> y;
            case GELU -> Functions.gelu(y);
            case SILU -> Functions.silu(y);
            case ADD -> out.matrix().add(y);
            case GATED_ADD ->
                out.matrix()
                        .add(Nd4jKernels.row(Objects.requireNonNull(epilogue.gate()))
                                .mul(y));
        };
    }

    /** Computes a convolution as a sum over the taps of the kernel: the padded video, shifted by the tap, times W_tap^T. */
    static INDArray convolution(INDArray x, Nd4jConvolution layer) {
        ConvolutionParameters source = layer.parameters();
        INDArray padded = padded(rounded(x, layer.dtype()), source);
        Dims3 kernel = source.kernel();
        Dims3 stride = source.stride();
        Shape out = source.outputOf(Shape.of(x.shape()));
        INDArray sum = Nd4j.create(DataType.FLOAT, out.rows(), out.last()).add(layer.bias());
        for (int t = 0; t < kernel.t(); t++) {
            for (int h = 0; h < kernel.h(); h++) {
                for (int w = 0; w < kernel.w(); w++) {
                    INDArray shifted = padded.get(
                            tap(t, stride.t(), out.length(0)),
                            tap(h, stride.h(), out.length(1)),
                            tap(w, stride.w(), out.length(2)),
                            NDArrayIndex.all());
                    INDArray weight = layer.weight()
                            .get(
                                    NDArrayIndex.all(),
                                    NDArrayIndex.all(),
                                    NDArrayIndex.interval(t, t + 1),
                                    NDArrayIndex.interval(h, h + 1),
                                    NDArrayIndex.interval(w, w + 1))
                            .dup('c')
                            .reshape(source.outChannels(), source.inChannels());
                    sum.addi(shifted.dup('c')
                            .reshape(out.rows(), source.inChannels())
                            .mmul(weight.transpose()));
                }
            }
        }
        return sum;
    }

    /**
     * Computes a depthwise convolution over 3 x 3 cells with zeros around each frame.
     *
     * @param x [T, H, W, C]
     * @param weight [C, 9]
     * @return [T H W, C]
     */
    static INDArray depthwise(INDArray x, INDArray weight) {
        long frames = x.size(0);
        long rows = x.size(1);
        long columns = x.size(2);
        long channels = x.size(3);
        INDArray padded = Nd4j.create(DataType.FLOAT, frames, rows + 2, columns + 2, channels);
        padded.get(
                        NDArrayIndex.all(),
                        NDArrayIndex.interval(1, rows + 1),
                        NDArrayIndex.interval(1, columns + 1),
                        NDArrayIndex.all())
                .assign(x);
        INDArray sum = Nd4j.create(DataType.FLOAT, frames * rows * columns, channels);
        for (int tap = 0; tap < 9; tap++) {
            INDArray shifted =
                    padded.get(NDArrayIndex.all(), tap(tap / 3, 1, rows), tap(tap % 3, 1, columns), NDArrayIndex.all());
            INDArray factors = Functions.columns(weight, tap, 1).dup('c').reshape(1, channels);
            sum.addi(shifted.dup('c').reshape(sum.shape()).mul(factors));
        }
        return sum;
    }

    private static INDArray padded(INDArray x, ConvolutionParameters source) {
        long[] lengths = x.shape().clone();
        INDArrayIndex[] inside = new INDArrayIndex[4];
        inside[3] = NDArrayIndex.all();
        for (int axis = 0; axis < 3; axis++) {
            int before = source.padding().before(axis);
            inside[axis] = NDArrayIndex.interval(before, before + lengths[axis]);
            lengths[axis] += before + source.padding().after(axis);
        }
        INDArray padded = Nd4j.create(DataType.FLOAT, lengths);
        padded.get(inside).assign(x);
        return padded;
    }

    private static INDArrayIndex tap(int offset, int stride, long count) {
        // For an interval with a stride and a single entry, ND4J reads beyond the end of the axis.
        return count == 1
                ? NDArrayIndex.interval(offset, offset + 1)
                : NDArrayIndex.interval(offset, stride, offset + (count - 1) * stride + 1);
    }

    private static INDArray rounded(INDArray x, DType dtype) {
        return x.castTo(Nd4jTensor.dataType(dtype)).castTo(DataType.FLOAT);
    }
}
