package io.lingen.vae;

/**
 * A picture of a video. The array is new for every frame, so the caller may keep or change it.
 *
 * @param width in pixels
 * @param height in pixels
 * @param rgb height rows of width pixels of 3 bytes: red, green, blue
 */
public record Frame(int width, int height, byte[] rgb) {
    /**
     * Checks the number of bytes.
     *
     * @throws IllegalArgumentException if it does not match width and height
     */
    public Frame {
        if (width < 1 || height < 1 || rgb.length != 3L * width * height) {
            throw new IllegalArgumentException("pixels of a " + width + "x" + height + " frame must have "
                    + 3L * width * height + " bytes, found " + rgb.length);
        }
    }
}
