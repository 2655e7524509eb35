package io.lingen.diffusion;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The inputs that a denoiser is conditioned on. Immutable.
 *
 * @param texts one embedding per text encoder, in the model's order; empty for a model without text
 * @param label the class, from 0; null for none
 */
public record Condition(List<TextEmbedding> texts, @Nullable Integer label) {
    /** No text and no class: the unconditional pass of a model of classes. */
    public static final Condition NONE = new Condition(List.of(), null);

    public Condition {
        texts = List.copyOf(texts);
        if (label != null && label < 0) {
            throw new IllegalArgumentException("a class label must be at least 0, found " + label);
        }
    }

    /** A prompt, as its encoders give it. */
    public static Condition of(List<TextEmbedding> texts) {
        return new Condition(texts, null);
    }

    /** A class. */
    public static Condition ofLabel(int label) {
        return new Condition(List.of(), label);
    }
}
