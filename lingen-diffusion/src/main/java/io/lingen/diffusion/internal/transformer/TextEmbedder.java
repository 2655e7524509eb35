package io.lingen.diffusion.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import org.jspecify.annotations.Nullable;

/** The projection of text rows to the width of the blocks: two linear layers with GELU (tanh) between them, then an optional RMS norm. */
public final class TextEmbedder {
    private static final float EPSILON = 1e-5f;

    private final Backend backend;
    private final DType precision;
    private final Linear fc1; // text width -> D
    private final Linear fc2; // D -> D
    private final @Nullable Tensor norm; // [D]

    /**
     * Reads the layers {@code linear_1} and {@code linear_2}.
     *
     * @param weights the weights of the projection
     * @param textWidth the width of the text rows
     * @param d the width D of the blocks
     * @param norm the weight of the RMS norm, [D]; null for no norm
     */
    public TextEmbedder(ModelWeights weights, int textWidth, int d, @Nullable Tensor norm) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.fc1 = weights.linear("linear_1", textWidth, d);
        this.fc2 = weights.linear("linear_2", d, d);
        this.norm = norm;
    }

    /** {@return the width of the text rows} */
    long textWidth() {
        return fc1.inFeatures();
    }

    /**
     * {@return the projected rows, [L, D]}
     *
     * @param workspace the owner of the result
     * @param rows [L, text width]
     */
    Tensor project(Workspace workspace, HostTensor rows) {
        Tensor projected = workspace.allocate(precision, rows.shape().length(0), fc2.outFeatures());
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor uploaded = backend.upload(scratch, rows, precision); // [L, text width]
            Tensor hidden = scratch.allocate(precision, projected.shape()); // [L, D]
            fc1.apply(uploaded, Epilogue.GELU, hidden);
            fc2.apply(hidden, Epilogue.NONE, projected); // [L, D]
        }
        if (norm != null) {
            backend.rmsNorm(projected, norm, EPSILON, false, projected);
        }
        return projected;
    }
}
