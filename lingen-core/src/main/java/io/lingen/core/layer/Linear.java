package io.lingen.core.layer;

import io.lingen.core.DType;
import io.lingen.core.LinearWeights;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Epilogue;

/** A linear layer, made by {@link ModelWeights#linear}. Immutable, thread-safe; valid while the workspace of its weights is open. */
public final class Linear {
    private final Backend backend;
    private final LinearWeights weights;

    Linear(Backend backend, LinearWeights weights) {
        this.backend = backend;
        this.weights = weights;
    }

    /** The width of the input. */
    public long inFeatures() {
        return weights.inFeatures();
    }

    /** The width of the output. */
    public long outFeatures() {
        return weights.outFeatures();
    }

    /**
     * out = epilogue(x W^T + bias).
     *
     * @param x [n, in]
     * @param out [n, out]; read as well by the adding epilogues
     */
    public void apply(Tensor x, Epilogue epilogue, Tensor out) {
        backend.linear(x, weights, epilogue, out);
    }

    /** A new tensor [rows of x, out] of x W^T + bias. */
    public Tensor apply(Workspace workspace, Tensor x, DType dtype) {
        Tensor out = workspace.allocate(dtype, x.shape().rows(), weights.outFeatures());
        apply(x, Epilogue.NONE, out);
        return out;
    }

    /**
     * Computes {@link #apply(Tensor, Epilogue, Tensor)} and shows x W^T + bias to the taps. An adding epilogue never stores it, so it is
     * computed a second time for them.
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
