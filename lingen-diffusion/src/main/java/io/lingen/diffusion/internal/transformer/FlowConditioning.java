package io.lingen.diffusion.internal.transformer;

import io.lingen.core.Recording;
import io.lingen.core.Workspace;
import io.lingen.diffusion.Conditioning;
import java.util.List;

/**
 * A text as keys and values of every block, constant over all steps of a video.
 *
 * @param workspace owns the tensors
 * @param recording of the passes with this text
 * @param blocks the keys and values of every block
 */
record FlowConditioning(Workspace workspace, Recording recording, List<TextKeys> blocks) implements Conditioning {
    FlowConditioning {
        blocks = List.copyOf(blocks);
    }

    @Override
    public void close() {
        recording.close();
        workspace.close();
    }
}
