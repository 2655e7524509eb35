package io.lingen.video;

/**
 * The form of a video.
 *
 * @param width pixels, at least 1
 * @param height pixels, at least 1
 * @param fps frames per second, at least 1
 */
public record VideoFormat(int width, int height, int fps) {
    public VideoFormat {
        if (width < 1 || height < 1 || fps < 1) {
            throw new IllegalArgumentException(
                    "width, height and fps are at least 1, found " + width + "x" + height + " at " + fps + " fps");
        }
    }

    /** The size of a frame as RGB, 8 bits each. */
    public int frameBytes() {
        return Math.multiplyExact(3, Math.multiplyExact(width, height));
    }

    byte[] checked(byte[] rgb) {
        if (rgb.length != frameBytes()) {
            throw new IllegalArgumentException("a frame of " + width + "x" + height + " has " + frameBytes()
                    + " bytes of RGB, found " + rgb.length);
        }
        return rgb;
    }
}
