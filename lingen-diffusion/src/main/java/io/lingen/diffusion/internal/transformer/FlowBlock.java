package io.lingen.diffusion.internal.transformer;

import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.op.Rotation;
import java.util.List;

/** A block of a {@link FlowTransformer}. Immutable and thread-safe. */
public interface FlowBlock {
    /**
     * {@return the keys of a text}
     *
     * @param workspace the owner of the result
     * @param text [L, D]
     */
    Tensor keys(Workspace workspace, Tensor text);

    /**
     * {@return the values of a text}
     *
     * @param workspace the owner of the result
     * @param text [L, D]
     */
    Tensor values(Workspace workspace, Tensor text);

    /**
     * Updates the residual stream in place.
     *
     * @param x [N, D], F32
     * @param rotation the grid of the tokens and their positions
     * @param times the modulation of all tokens by their times, [6, D] each: shift, scale and gate of the attention, then of the feed-forward
     *     network
     * @param text the keys and values of this block
     * @param taps receives the result of every branch before its gate
     */
    void forward(Tensor x, Rotation rotation, List<Modulation> times, TextKeys text, Taps taps);
}
