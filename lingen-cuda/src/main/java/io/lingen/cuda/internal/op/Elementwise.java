package io.lingen.cuda.internal.op;

import io.lingen.core.Tensor;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.ElementwiseArguments;
import io.lingen.cuda.internal.op.args.NoiseArguments;
import io.lingen.cuda.internal.op.args.PixelsArguments;

/** Elementwise operations and noise. */
public final class Elementwise {
    private static final String SOURCE = "elementwise";
    private static final int PER_BLOCK = 256 * 8;
    /** The flag of a block of pixels that contains a NaN. */
    static final byte FAULT = 1;

    private final Device device;

    /**
     * Creates the operations of a device.
     *
     * @param device the device
     */
    public Elementwise(Device device) {
        this.device = device;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#copy}.
     *
     * @param x any shape
     * @param out the copy
     */
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

    /** Converts elements between addresses. */
    void convert(long from, boolean fromBf16, long to, boolean toBf16, long n) {
        run("convert", new ElementwiseArguments(from, from, to, fromBf16, fromBf16, toBf16, 0, n));
    }

    /**
     * Computes out = a + s * b.
     *
     * @param a any shape
     * @param s the factor
     * @param b has the shape of a
     * @param out has the shape of a; may be a or b
     */
    public void addScaled(Tensor a, float s, Tensor b, Tensor out) {
        run("add_scaled", a, b, s, out);
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#multiply}.
     *
     * @param a any shape
     * @param b the second factor
     * @param out the product
     */
    public void multiply(Tensor a, Tensor b, Tensor out) {
        run("multiply", a, b, 0, out);
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#interpolate}.
     *
     * @param a any shape
     * @param b the other end
     * @param s the position between a and b
     * @param out the result
     */
    public void interpolate(Tensor a, Tensor b, float s, Tensor out) {
        run("interpolate", a, b, s, out);
    }

    /**
     * Converts elements to 8-bit pixels.
     *
     * @param out the address of the pixels, with a size that is a multiple of 8
     * @param faults the address of a byte for each of {@link #blocks}: {@link #FAULT} if the block contains a NaN, else 0
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

    /**
     * Computes {@link io.lingen.core.backend.Backend#normal}.
     *
     * @param seed the key of the generator
     * @param out the noise
     */
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
