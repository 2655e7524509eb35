package io.lingen.cpu.internal.kernel;

import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;

/** The time steps of the heads of a scan, dt = softplus(dt + bias), and their products a = dt A = -dt exp(aLog), in F32. */
final class ScanTimes {
    private final FloatKernels loops;
    private final PooledTensor projection;
    private final long column;
    private final ScanPath path;
    private final int heads;
    private final long bias;
    private final float[] rates;

    ScanTimes(FloatKernels loops, ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights) {
        this.loops = loops;
        this.projection = PooledTensor.of(input.projection());
        this.column = input.dt();
        this.path = path;
        this.heads = spec.heads();
        this.bias = PooledTensor.addressOf(weights.dtBias());
        this.rates = new float[heads];
        long aLog = PooledTensor.addressOf(weights.aLog());
        for (int head = 0; head < heads; head++) {
            rates[head] = (float) -Math.exp(RawMemory.getFloat(aLog + (long) head * Float.BYTES));
        }
    }

    /**
     * Computes steps [first, first + steps).
     *
     * @param dt the output dt, [steps, heads]
     * @param a the output dt A, at most 0, [steps, heads]
     */
    void gather(long first, int steps, long dt, long a, Scratch scratch) {
        long mark = scratch.mark();
        long factors = scratch.floats(heads);
        for (int head = 0; head < heads; head++) {
            RawMemory.setFloat(factors + (long) head * Float.BYTES, rates[head]);
        }
        for (int step = 0; step < steps; step++) {
            long offset = (long) step * heads * Float.BYTES;
            long source = projection.rowAddress(path.row(first + step))
                    + column * projection.dtype().bytes();
            loops.load(source, projection.dtype(), a + offset, heads);
            loops.add(a + offset, bias, a + offset, heads);
        }
        // One call for all steps, since the heads of one step rarely fill complete registers.
        loops.softplus(a, dt, steps * heads);
        for (int step = 0; step < steps; step++) {
            long offset = (long) step * heads * Float.BYTES;
            loops.multiply(1, dt + offset, factors, a + offset, heads);
        }
        scratch.release(mark);
    }
}
