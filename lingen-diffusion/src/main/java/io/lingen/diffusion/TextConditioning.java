package io.lingen.diffusion;

import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The text in the form that the blocks of a {@link VideoTransformer} read: keys and values of every block, constant over all steps of a
 * video.
 */
final class TextConditioning implements Conditioning {
    private final Workspace workspace;
    private final Recording recording;
    private final List<Tensor> keysAndValues;
    private final @Nullable Tensor weights;

    TextConditioning(Workspace workspace, Recording recording, List<Tensor> keysAndValues, @Nullable Tensor weights) {
        this.workspace = workspace;
        this.recording = recording;
        this.keysAndValues = List.copyOf(keysAndValues);
        this.weights = weights;
    }

    /** {@return the recording of the denoiser's passes with this text} Key and value addresses are stable until close. */
    Recording recording() {
        return recording;
    }

    /** {@return the keys and values of a block, [L, 2d]} */
    Tensor keysAndValues(int block) {
        return keysAndValues.get(block);
    }

    /** {@return {@link TextEmbedding#weights} [L], or null for 1 each} */
    @Nullable
    Tensor weights() {
        return weights;
    }

    @Override
    public void close() {
        recording.close();
        workspace.close();
    }
}
