package io.lingen.spi;

import io.lingen.core.DType;
import io.lingen.diffusion.ParityCheck;
import java.util.Set;

/** A part of a model that can be compared with another implementation, for {@code lingen parity}. Thread-safe. */
public interface ParityPart {
    /** {@return the name, with which the names of its tensors in a fixture usually begin} */
    String name();

    /**
     * {@return whether a fixture has tensors for this part}
     *
     * @param names the names of all tensors of the fixture
     */
    boolean isIn(Set<String> names);

    /**
     * {@return the default bound on the relative L2 error}
     *
     * @param precision F32 or BF16
     */
    default double tolerance(DType precision) {
        return ParityCheck.defaultTolerance(precision);
    }

    /**
     * Computes the tensors that the fixture expects, in the order of the network, and compares them. Loads only the component of this part, and
     * frees it.
     *
     * @param check receives the comparisons
     * @param precision the type of matrix products and activations, F32 or BF16
     * @throws io.lingen.core.checkpoint.CheckpointException if the fixture lacks an input, or the model a file
     */
    void run(ParityCheck check, DType precision);
}
