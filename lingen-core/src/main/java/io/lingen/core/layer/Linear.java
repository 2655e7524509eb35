package io.lingen.core.layer;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearWeights;

/** A linear layer, created by {@link ModelWeights#linear}. Immutable and thread-safe; valid while the workspace of its weights is open. */
public final class Linear {
    private final Backend backend;
    private final LinearWeights weights;

    Linear(Backend backend, LinearWeights weights) {
        this.backend = backend;
        this.weights = weights;
    }

    /** {@return the number of input features} */
    public long inFeatures() {
        return weights.inFeatures();
    }

    /** {@return the number of output features} */
    public long outFeatures() {
        return weights.outFeatures();
    }

    /**
     * Computes out = epilogue(x W^T + bias).
     *
     * @param x [n, in]
     * @param epilogue the function applied to the sum
     * @param out [n, out]; the adding epilogues also read it
     */
    public void apply(Tensor x, Epilogue epilogue, Tensor out) {
        backend.linear(x, weights, epilogue, out);
    }

    /**
     * Computes x W^T + bias in a new tensor.
     *
     * @param workspace the owner of the result
     * @param x [n, in]
     * @param dtype the type of the result
     * @return [n, out]
     */
    public Tensor apply(Workspace workspace, Tensor x, DType dtype) {
        Tensor out = workspace.allocate(dtype, x.shape().rows(), weights.outFeatures());
        apply(x, Epilogue.NONE, out);
        return out;
    }

    /**
     * Computes out = epilogue(x W^T + bias) and passes x W^T + bias to taps. That sum is computed a second time for them, since an adding
     * epilogue never stores it.
     *
     * @param x [n, in]
     * @param epilogue the function applied to the sum
     * @param out [n, out]; the adding epilogues also read it
     * @param taps receives [n, out] in F32, unless it is {@link Taps#NONE}
     * @param name the name of the sum for the taps
     */
    public void apply(Tensor x, Epilogue epilogue, Tensor out, Taps taps, String name) {
        if (taps != Taps.NONE) {
            try (Workspace workspace = backend.newWorkspace()) {
                taps.accept(name, apply(workspace, x, DType.F32));
            }
        }
        apply(x, epilogue, out);
    }
}
