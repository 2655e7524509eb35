package io.lingen.core;

/**
 * A receiver of named intermediate tensors, for comparing an implementation with its reference. A tensor is valid during the call only. The
 * names are listed in docs/checkpoint-format.md.
 */
@FunctionalInterface
public interface Taps {
    /** Discards all tensors. Layers test for this instance and then skip work that only taps need. */
    Taps NONE = (name, tensor) -> {};

    /**
     * Receives the result of a step.
     *
     * @param name the step, for example "blocks.3.ma"
     * @param tensor its result, valid during the call
     */
    void accept(String name, Tensor tensor);

    /**
     * {@return taps that put a prefix before every name; {@link #NONE} for {@link #NONE}}
     *
     * @param prefix for example "blocks.3."
     */
    default Taps under(String prefix) {
        return this == NONE ? NONE : (name, tensor) -> accept(prefix + name, tensor);
    }
}
