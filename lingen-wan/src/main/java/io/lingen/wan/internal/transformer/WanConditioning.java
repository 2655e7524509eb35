package io.lingen.wan.internal.transformer;

import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.diffusion.Conditioning;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A text as keys and values of every block, constant over all steps of a video.
 *
 * @param workspace owns the tensors
 * @param recording of the passes with this text
 * @param keys of every block, [L, D]
 * @param values of every block, [L, D]
 * @param weights [L], the number of equal rows that each row stands for; null for one each
 */
record WanConditioning(
        Workspace workspace,
        Recording recording,
        List<Tensor> keys,
        List<Tensor> values,
        @Nullable Tensor weights) implements Conditioning {
    WanConditioning {
        keys = List.copyOf(keys);
        values = List.copyOf(values);
    }

    @Override
    public void close() {
        recording.close();
        workspace.close();
    }
}
