package io.lingen.video;

/**
 * The size and frame rate of a video.
 *
 * @param width the width in pixels, at least 1
 * @param height the height in pixels, at least 1
 * @param fps the frame rate in frames per second, at least 1
 */
public record VideoFormat(int width, int height, int fps) {
    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is not positive
     */
    public VideoFormat {
        if (width < 1 || height < 1 || fps < 1) {
            throw new IllegalArgumentException(
                    "width, height and fps must be at least 1, found " + width + "x" + height + " at " + fps + " fps");
        }
    }

    /**
     * {@return the size in bytes of a frame [height, width, 3] of 8-bit RGB}
     *
     * @throws ArithmeticException if it exceeds the range of {@code int}
     */
    public int frameBytes() {
        return Math.multiplyExact(3, Math.multiplyExact(width, height));
    }

    byte[] checked(byte[] rgb) {
        if (rgb.length != frameBytes()) {
            throw new IllegalArgumentException("frame of " + width + "x" + height + " must have " + frameBytes()
                    + " bytes of RGB, found " + rgb.length);
        }
        return rgb;
    }
}
