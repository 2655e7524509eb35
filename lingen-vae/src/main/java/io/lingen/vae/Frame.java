package io.lingen.vae;

/**
 * A picture of a clip. The array is this frame's own: it is made anew for every frame, so it may be kept or changed.
 *
 * @param width in pixels
 * @param height in pixels
 * @param rgb height rows of width pixels of 3 bytes: red, green, blue
 */
public record Frame(int width, int height, byte[] rgb) {
    public Frame {
        if (width < 1 || height < 1 || rgb.length != 3L * width * height) {
            throw new IllegalArgumentException("a frame of " + width + "x" + height + " has " + 3L * width * height
                    + " bytes, found " + rgb.length);
        }
    }
}
