package io.lingen.spi;

import java.nio.file.Path;

/**
 * A low-rank adapter (LoRA) to merge into a denoiser.
 *
 * @param file the safetensors file
 * @param scale the factor of its update; 1 applies it as trained, 0 not at all
 */
public record Adapter(Path file, double scale) {
    /**
     * Checks the scale.
     *
     * @throws IllegalArgumentException if it is not finite
     */
    public Adapter {
        if (!Double.isFinite(scale)) {
            throw new IllegalArgumentException("scale of a LoRA must be finite, found " + scale);
        }
    }

    /**
     * {@return the adapter that a text FILE or FILE:SCALE describes} Only a number after the last colon is a scale.
     *
     * @param text the text, for example "style.safetensors:0.8"
     */
    public static Adapter parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon > 0 && text.substring(colon + 1).matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?")) {
            return new Adapter(Path.of(text.substring(0, colon)), Double.parseDouble(text.substring(colon + 1)));
        }
        return new Adapter(Path.of(text), 1);
    }
}
