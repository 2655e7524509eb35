package io.lingen.core.nd4j;

import io.lingen.core.Tensor;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.ScanPath;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** The selective scan of Mamba1, computed step by step (Gu and Dao, "Mamba", 2023, section 3). */
final class DiagonalScan {
    private DiagonalScan() {}

    /** Computes one direction: [grid cells, di]. */
    static INDArray scan(
            Tensor x, Tensor dt, Tensor bc, long bColumn, long cColumn, ScanPath path, DiagonalScanWeights weights) {
        ScanSequence sequence = new ScanSequence(path);
        INDArray a = Transforms.exp(Nd4jTensor.of(weights.aLog()).matrix()).neg(); // [di, n]
        INDArray xs = sequence.gather(Nd4jTensor.of(x).matrix()); // [L, di]
        INDArray steps = sequence.gather(Nd4jTensor.of(dt).matrix()).add(Nd4jKernels.row(weights.dtBias()));
        INDArray dts = Functions.softplus(steps); // [L, di]
        INDArray bcs = sequence.gather(Nd4jTensor.of(bc).matrix()); // [L, columns]
        INDArray bs = Functions.columns(bcs, bColumn, a.size(1)).dup('c'); // [L, n]
        INDArray cs = Functions.columns(bcs, cColumn, a.size(1)).dup('c'); // [L, n]
        INDArray y = xs.mul(Nd4jKernels.row(weights.d()));
        INDArray h = Nd4j.create(DataType.FLOAT, a.shape()); // [di, n]
        for (int l = 0; l < sequence.steps(); l++) {
            INDArray b = Functions.rows(bs, l, l + 1); // [1, n]
            INDArray c = Functions.rows(cs, l, l + 1); // [1, n]
            INDArray step = Functions.rows(dts, l, l + 1).reshape(a.size(0), 1); // [di, 1]
            INDArray xl = Functions.rows(xs, l, l + 1).reshape(a.size(0), 1); // [di, 1]
            h.assign(h.mul(Transforms.exp(a.mul(step))).add(step.mul(xl).mul(b)));
            Functions.rows(y, l, l + 1).addi(h.mul(c).sum(1).reshape(1, a.size(0)));
        }
        return sequence.scatterToGrid(y);
    }
}
