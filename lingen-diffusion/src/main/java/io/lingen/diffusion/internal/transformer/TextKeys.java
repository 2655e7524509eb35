package io.lingen.diffusion.internal.transformer;

import io.lingen.core.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A text in the form that the cross-attention of one block reads.
 *
 * @param keys [L, width of the cross-attention]
 * @param values [L, width of the cross-attention]
 * @param weights [L], the number of equal rows that each row stands for; null for one each
 */
public record TextKeys(Tensor keys, Tensor values, @Nullable Tensor weights) {}
