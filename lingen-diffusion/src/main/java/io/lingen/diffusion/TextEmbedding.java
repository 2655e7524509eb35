package io.lingen.diffusion;

import io.lingen.core.HostTensor;
import org.jspecify.annotations.Nullable;

/**
 * The output of one text encoder for a prompt. Immutable.
 *
 * @param tokens [L, dim], L at least 1
 * @param mask [L], nonzero = keep, at least one kept; null keeps all
 */
public record TextEmbedding(HostTensor tokens, @Nullable HostTensor mask) {
    /**
     * Checks the shapes and that a token is kept.
     *
     * @throws IllegalArgumentException if the tokens are not a matrix of at least one row, or the mask has another length or keeps no token
     */
    public TextEmbedding {
        if (tokens.shape().rank() != 2 || tokens.shape().length(0) < 1) {
            throw new IllegalArgumentException(
                    "text embedding must be [tokens, width] with at least one token, found " + tokens.shape());
        }
        if (mask != null) {
            if (mask.shape().elements() != tokens.shape().length(0)) {
                throw new IllegalArgumentException("mask of a text embedding " + tokens.shape() + " must have "
                        + tokens.shape().length(0) + " entries, found " + mask.shape());
            }
            boolean any = false;
            for (long i = 0; i < mask.shape().elements(); i++) {
                any |= mask.get(i) != 0;
            }
            if (!any) {
                throw new IllegalArgumentException("mask of a text embedding must keep at least one token, found none");
            }
        }
    }
}
