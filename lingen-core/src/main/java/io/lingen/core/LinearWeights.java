package io.lingen.core;

import org.jspecify.annotations.Nullable;

/**
 * The weights of a linear layer, packed once by a backend in whatever layout serves it. Immutable, thread-safe, owned by the workspace
 * it was packed into.
 */
public interface LinearWeights {
    /** The width of the layer's input. */
    long inFeatures();

    /** The width of the layer's output. */
    long outFeatures();

    /** The type in which products are formed; accumulation is always in F32. */
    DType dtype();

    /** The layer as read, on the host: weight [out, in] and bias [out], or a null bias. */
    record Source(HostTensor weight, @Nullable HostTensor bias) {
        public Source {
            if (weight.shape().rank() != 2) {
                throw new IllegalArgumentException("a linear weight is [out, in], found " + weight.shape());
            }
            if (bias != null && !bias.shape().equals(Shape.of(weight.shape().length(0)))) {
                throw new IllegalArgumentException("the bias of a linear layer with weight " + weight.shape() + " is ["
                        + weight.shape().length(0) + "], found " + bias.shape());
            }
        }
    }
}
