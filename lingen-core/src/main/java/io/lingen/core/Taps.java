package io.lingen.core;

/**
 * Receives named intermediate tensors, for comparing a port with its original. The tensor is valid during the call only. Names are
 * listed in docs/checkpoint-format.md.
 */
@FunctionalInterface
public interface Taps {
    /** Receives nothing and costs nothing. */
    Taps NONE = (name, tensor) -> {};

    /** Called after the step that the name says. */
    void accept(String name, Tensor tensor);

    /** A view that puts a prefix before every name, for example "blocks.3."; {@link #NONE} stays itself. */
    default Taps under(String prefix) {
        return this == NONE ? NONE : (name, tensor) -> accept(prefix + name, tensor);
    }
}
