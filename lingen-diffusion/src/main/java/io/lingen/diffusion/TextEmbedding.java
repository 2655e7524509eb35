package io.lingen.diffusion;

import io.lingen.core.HostTensor;
import org.jspecify.annotations.Nullable;

/**
 * The output of one text encoder for a prompt. Immutable.
 *
 * @param tokens [L, dim], L at least 1
 * @param weights [L], the number of equal tokens that each row stands for in attention: 1 for a token, 0 for one to leave out, n for n equal
 *     rows of padding. At least one is positive. Null for 1 each
 */
public record TextEmbedding(HostTensor tokens, @Nullable HostTensor weights) {
    /**
     * Checks the shapes and the weights.
     *
     * @throws IllegalArgumentException if the tokens are not a matrix of at least one row, or the weights have another length, are negative or
     *     not finite, or are all 0
     */
    public TextEmbedding {
        if (tokens.shape().rank() != 2 || tokens.shape().length(0) < 1) {
            throw new IllegalArgumentException(
                    "text embedding must be [tokens, width] with at least one token, found " + tokens.shape());
        }
        if (weights != null) {
            if (weights.shape().elements() != tokens.shape().length(0)) {
                throw new IllegalArgumentException("weights of a text embedding " + tokens.shape() + " must have "
                        + tokens.shape().length(0) + " entries, found " + weights.shape());
            }
            boolean any = false;
            for (long i = 0; i < weights.shape().elements(); i++) {
                float weight = weights.get(i);
                if (!(weight >= 0) || Float.isInfinite(weight)) {
                    throw new IllegalArgumentException(
                            "weights of a text embedding must be finite and at least 0, found " + weight);
                }
                any |= weight > 0;
            }
            if (!any) {
                throw new IllegalArgumentException(
                        "weights of a text embedding must keep at least one token, found none");
            }
        }
    }
}
