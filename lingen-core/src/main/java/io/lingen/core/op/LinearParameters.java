package io.lingen.core.op;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a linear layer in host memory, as a checkpoint holds them. {@link LinearWeights} are their packed form.
 *
 * @param weight [outFeatures, inFeatures]
 * @param bias [outFeatures], or null for a layer without a bias
 */
public record LinearParameters(HostTensor weight, @Nullable HostTensor bias) {
    /**
     * Checks the shapes.
     *
     * @throws IllegalArgumentException if the weight is not a matrix or the bias does not have its number of rows
     */
    public LinearParameters {
        if (weight.shape().rank() != 2) {
            throw new IllegalArgumentException("linear weight must be [out, in], found " + weight.shape());
        }
        if (bias != null && !bias.shape().equals(Shape.of(weight.shape().length(0)))) {
            throw new IllegalArgumentException("bias of a linear layer with weight " + weight.shape() + " must be ["
                    + weight.shape().length(0) + "], found " + bias.shape());
        }
    }
}
