package io.lingen.mate;

import io.lingen.core.DType;
import io.lingen.core.LinearWeights;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Epilogue;

/**
 * A linear layer on one backend.
 *
 * @param backend where it is computed
 * @param weights its packed weights
 */
public record Linear(Backend backend, LinearWeights weights) {
    /** Packs a layer into a workspace. */
    public static Linear load(Backend backend, Workspace workspace, LinearWeights.Source source, DType precision) {
        return new Linear(backend, backend.packLinear(workspace, source, precision));
    }

    /** out = epilogue(x W^T + bias). */
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
     * As {@link #apply(Tensor, Epilogue, Tensor)}, and shows x W^T + bias to the taps: an adding epilogue never stores it, so it is
     * computed again for them.
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
