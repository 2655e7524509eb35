package io.lingen.cuda.internal.op;

import io.lingen.core.Tensor;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.ElementwiseArguments;
import io.lingen.cuda.internal.op.args.NoiseArguments;
import io.lingen.cuda.internal.op.args.PixelsArguments;

/** Conversions, sums, products, the flow step, guidance and noise. */
public final class Elementwise {
    private static final String SOURCE = "elementwise";
    private static final int PER_BLOCK = 256 * 8;
    /** What is told of a block of pixels that are not all numbers. */
    static final byte FAULT = 1;

    private final Device device;

    public Elementwise(Device device) {
        this.device = device;
    }

    /** out = x */
    public void copy(PooledTensor x, PooledTensor out) {
        if (x.dtype() == out.dtype()) {
            device.copy(x.address(), out.address(), x.byteSize());
            return;
        }
        convert(
                x.address(),
                PooledTensor.isBf16(x),
                out.address(),
                PooledTensor.isBf16(out),
                x.shape().elements());
    }

    /** The same between addresses. */
    void convert(long from, boolean fromBf16, long to, boolean toBf16, long n) {
        run("convert", new ElementwiseArguments(from, from, to, fromBf16, fromBf16, toBf16, 0, n));
    }

    /** out = a + s b */
    public void addScaled(Tensor a, float s, Tensor b, Tensor out) {
        run("add_scaled", a, b, s, out);
    }

    /** out = a b */
    public void multiply(Tensor a, Tensor b, Tensor out) {
        run("multiply", a, b, 0, out);
    }

    /** out = a + s (b - a) */
    public void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        run("interpolate", a, b, s, out);
    }

    /**
     * Rounds to 8-bit pixels.
     *
     * @param out room for them, of a multiple of 8 bytes
     * @param faults a byte for each of {@link #blocks}: {@link #FAULT} where something is not a number, else 0
     */
    void pixels(PooledTensor x, long out, long faults) {
        long n = x.shape().elements();
        device.launch(
                SOURCE,
                "pixels",
                Launch.of(blocks(n)),
                new PixelsArguments(x.address(), out, faults, n, PooledTensor.isBf16(x)));
    }

    static long blocks(long n) {
        return Math.ceilDiv(n, PER_BLOCK);
    }

    /** Element i is PhiloxNormal.at(seed, i). */
    public void normal(long seed, PooledTensor out) {
        long n = out.shape().elements();
        device.launch(
                SOURCE,
                "philox_normal",
                Launch.of(Math.ceilDiv(n, 4 * 256)),
                new NoiseArguments(out.address(), n, (int) seed, (int) (seed >>> 32), PooledTensor.isBf16(out)));
    }

    private void run(String kernel, Tensor a, Tensor b, float s, Tensor out) {
        run(
                kernel,
                new ElementwiseArguments(
                        PooledTensor.addressOf(a),
                        PooledTensor.addressOf(b),
                        PooledTensor.addressOf(out),
                        PooledTensor.isBf16(a),
                        PooledTensor.isBf16(b),
                        PooledTensor.isBf16(out),
                        s,
                        out.shape().elements()));
    }

    private void run(String kernel, ElementwiseArguments arguments) {
        device.launch(SOURCE, kernel, Launch.of(blocks(arguments.n())), arguments);
    }
}
