package io.lingen.core.spi;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;

/** Conversion of numbers in [-1, 1] to 8-bit pixels on the host. */
final class PixelRounding {
    /** The number of elements downloaded at a time: a small buffer spares the heap an array of the size of a frame. */
    private static final int PART = 1 << 14;

    private PixelRounding() {}

    /**
     * Copies the elements of a tensor to an array of the same length, rounded. See {@link Kernels#downloadPixels}.
     *
     * @return false if an element is NaN; the contents of the array are then undefined
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
