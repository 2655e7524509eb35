package io.lingen.diffusion;

import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The text as the blocks use it: keys and values of every block, constant over all steps of a video. Belongs to the denoiser that made
 * it; close it when the video is done. Immutable, thread-safe.
 */
public final class Conditioning implements AutoCloseable {
    private final Workspace workspace;
    private final Recording pass;
    private final List<Tensor> keysAndValues;
    private final @Nullable Tensor mask;

    Conditioning(Workspace workspace, Recording pass, List<Tensor> keysAndValues, @Nullable Tensor mask) {
        this.workspace = workspace;
        this.pass = pass;
        this.keysAndValues = List.copyOf(keysAndValues);
        this.mask = mask;
    }

    /** Of the denoiser's passes with this text: its keys and values lie where they lie as long as this is open. */
    Recording pass() {
        return pass;
    }

    /** The keys and values of a block, [L, 2d]. */
    Tensor keysAndValues(int block) {
        return keysAndValues.get(block);
    }

    /** [L], 1 = keep, or null if all tokens are kept. */
    @Nullable
    Tensor mask() {
        return mask;
    }

    @Override
    public void close() {
        pass.close();
        workspace.close();
    }
}
