package io.lingen.diffusion;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The inputs that a denoiser is conditioned on. Immutable.
 *
 * @param texts one embedding per text encoder, in the order of the model; empty for a model without text
 * @param label the class label, from 0; null for none
 */
public record Condition(List<TextEmbedding> texts, @Nullable Integer label) {
    /** No text and no class: the condition of the unconditional pass of a class-conditional model. */
    public static final Condition NONE = new Condition(List.of(), null);

    /**
     * Checks the label and copies the embeddings.
     *
     * @throws IllegalArgumentException if the label is negative
     */
    public Condition {
        texts = List.copyOf(texts);
        if (label != null && label < 0) {
            throw new IllegalArgumentException("class label must be at least 0, found " + label);
        }
    }

    /**
     * {@return a condition on text}
     *
     * @param texts one embedding per text encoder
     */
    public static Condition of(List<TextEmbedding> texts) {
        return new Condition(texts, null);
    }

    /**
     * {@return a condition on a class}
     *
     * @param label the class label, from 0
     * @throws IllegalArgumentException if it is negative
     */
    public static Condition ofLabel(int label) {
        return new Condition(List.of(), label);
    }
}
