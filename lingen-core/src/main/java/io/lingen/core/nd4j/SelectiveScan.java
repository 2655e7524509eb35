package io.lingen.core.nd4j;

import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** The selective scan of Mamba2 in its chunked (SSD) form (Dao and Gu, "Transformers are SSMs", 2024, section 6). */
final class SelectiveScan {
    /** The number added to the logarithm of a decay above the diagonal, so its exponential is 0. */
    private static final double MASKED = -1e38;

    private SelectiveScan() {}

    /** Computes one direction: [grid cells, di]. */
    static INDArray scan(ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights) {
        ScanSequence sequence = new ScanSequence(path);
        int di = spec.innerWidth();
        int gn = spec.groupWidth();
        INDArray u = sequence.gather(Nd4jTensor.of(input.projection()).matrix()); // [L, columns]
        INDArray bands = Nd4j.hstack(
                Functions.columns(u, input.x(), di),
                Functions.columns(u, input.b(), gn),
                Functions.columns(u, input.c(), gn)); // [L, di + 2Gn]
        INDArray xbc = ScanSequence.causalConvolution(
                bands, Nd4jTensor.of(weights.convWeight()).matrix(), Nd4jKernels.row(weights.convBias()));
        INDArray dt = Functions.softplus(
                Functions.columns(u, input.dt(), spec.heads()).add(Nd4jKernels.row(weights.dtBias()))); // [L, H]
        INDArray a = Transforms.exp(Nd4jKernels.row(weights.aLog())).neg(); // [1, H]
        INDArray y = Nd4j.create(DataType.FLOAT, sequence.steps(), di);
        for (int head = 0; head < spec.heads(); head++) {
            int group = head / (spec.heads() / spec.groups());
            INDArray x = copyColumns(xbc, (long) head * spec.headDim(), spec.headDim()); // [L, P]
            INDArray b = copyColumns(xbc, di + (long) group * spec.stateSize(), spec.stateSize()); // [L, n]
            INDArray c = copyColumns(xbc, di + gn + (long) group * spec.stateSize(), spec.stateSize()); // [L, n]
            INDArray step = copyColumns(dt, head, 1); // [L, 1]
            INDArray skip = x.mul(Nd4jKernels.row(weights.d()).getDouble(head));
            INDArray scanned = recurrence(x.mul(step), b, c, step.mul(a.getDouble(head)), spec.chunkSize());
            Functions.columns(y, (long) head * spec.headDim(), spec.headDim()).assign(scanned.add(skip));
        }
        return sequence.scatterToGrid(y);
    }

    /**
     * Computes y_i = C_i h_i with h_i = exp(a_i) h_{i-1} + (dt x)_i B_i for one head, chunk by chunk.
     *
     * @param dtx [L, P]
     * @param b [L, n]
     * @param c [L, n]
     * @param a [L, 1], dt * A
     * @return [L, P]
     */
    private static INDArray recurrence(INDArray dtx, INDArray b, INDArray c, INDArray a, int chunkSize) {
        long length = dtx.size(0);
        INDArray y = Nd4j.create(DataType.FLOAT, dtx.shape());
        INDArray state = Nd4j.create(DataType.FLOAT, dtx.size(1), b.size(1)); // [P, n]
        for (long from = 0; from < length; from += chunkSize) {
            long to = Math.min(length, from + chunkSize);
            INDArray xs = Functions.rows(dtx, from, to); // [Q, P]
            INDArray bs = Functions.rows(b, from, to); // [Q, n]
            INDArray cs = Functions.rows(c, from, to); // [Q, n]
            INDArray s = Functions.rows(a, from, to).cumsum(0); // [Q, 1]
            INDArray last = Functions.rows(s, to - from - 1, to - from); // [1, 1]
            // Not exp(s_i) exp(-s_j), which overflows.
            INDArray decay = Transforms.exp(s.sub(s.transpose()).add(aboveDiagonal(to - from))); // [Q, Q]
            INDArray within = cs.mmul(bs.transpose()).mul(decay).mmul(xs); // [Q, P]
            INDArray before = cs.mmul(state.transpose()).mul(Transforms.exp(s)); // [Q, P]
            Functions.rows(y, from, to).assign(within.add(before));
            INDArray kept = xs.mul(Transforms.exp(s.neg().add(last))); // [Q, P]
            state = state.mul(Transforms.exp(last)).add(kept.transpose().mmul(bs));
        }
        return y;
    }

    /** Returns a copy of columns, whose rows can be sliced (see {@link Nd4jTensor#values}). */
    private static INDArray copyColumns(INDArray matrix, long from, long count) {
        return Functions.columns(matrix, from, count).dup('c');
    }

    /** Returns a matrix with 0 up to the diagonal and {@link #MASKED} above it. */
    private static INDArray aboveDiagonal(long length) {
        INDArray index = Nd4j.arange(length).castTo(DataType.FLOAT);
        INDArray distance = index.reshape(length, 1).sub(index.reshape(1, length)); // i - j
        return distance.lt(0).castTo(DataType.FLOAT).mul(MASKED);
    }
}
