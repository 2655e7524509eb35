package io.lingen.core.spi;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;

/** Pixels of 8 bits from numbers in [-1, 1]. */
final class PixelRounding {
    /** Elements brought to the host at a time, so that a large frame leaves no garbage of its size. */
    private static final int PART = 1 << 14;

    private PixelRounding() {}

    /**
     * Copies a tensor's elements to an array of the same length, rounded; see {@link Kernels#downloadPixels}.
     *
     * @return whether all elements are numbers; if not, only some have been copied
     */
    static boolean download(Kernels kernels, Tensor tensor, byte[] target) {
        Tensor flat = tensor.reshape(Shape.of(tensor.shape().elements()));
        float[] part = new float[Math.min(PART, target.length)];
        for (int from = 0; from < target.length; from += part.length) {
            int count = Math.min(part.length, target.length - from);
            if (count < part.length) {
                part = new float[count];
            }
            kernels.download(flat.slice(from, from + count), part);
            for (int i = 0; i < count; i++) {
                if (Float.isNaN(part[i])) {
                    return false;
                }
                target[from + i] = (byte) Math.round(Math.clamp((part[i] + 1) * 127.5f, 0f, 255f));
            }
        }
        return true;
    }
}
