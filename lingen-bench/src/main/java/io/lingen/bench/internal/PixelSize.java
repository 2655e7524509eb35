package io.lingen.bench.internal;

/**
 * The size of a video.
 *
 * @param width the width in pixels
 * @param height the height in pixels
 */
record PixelSize(int width, int height) {
    /**
     * Parses a size.
     *
     * @param text for example "512x256"
     * @throws IllegalArgumentException if the text is not of this form
     */
    static PixelSize parse(String text) {
        String[] lengths = text.split("x", -1);
        try {
            if (lengths.length == 2) {
                return new PixelSize(Integer.parseInt(lengths[0]), Integer.parseInt(lengths[1]));
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("size must be WIDTHxHEIGHT, found '" + text + "'", e);
        }
        throw new IllegalArgumentException("size must be WIDTHxHEIGHT, found '" + text + "'");
    }
}
