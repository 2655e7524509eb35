package io.lingen.diffusion.internal.latte;

import io.lingen.core.Recording;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.op.Grid;
import io.lingen.diffusion.Conditioning;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** A condition in the form that the passes read: the class, or the keys and values of the text for every block. */
final class LatteConditioning implements Conditioning {
    private final Workspace workspace;
    private final Recording recording;
    private final @Nullable Tensor selectedClass;
    private final List<@Nullable Tensor> keysAndValues;
    private final @Nullable Tensor weights;
    private final Map<Grid, PositionTables> positions = new HashMap<>();

    /**
     * Takes ownership of workspace and recording.
     *
     * @param selectedClass [1, classes + 1], 1 in the column of the class; null for a model without classes
     * @param keysAndValues of every block, [L, 2d]; null for blocks without cross-attention
     * @param weights [L], the number of equal rows that each row of the text stands for; null for 1 each
     */
    LatteConditioning(
            Workspace workspace,
            Recording recording,
            @Nullable Tensor selectedClass,
            List<@Nullable Tensor> keysAndValues,
            @Nullable Tensor weights) {
        this.workspace = workspace;
        this.recording = recording;
        this.selectedClass = selectedClass;
        this.keysAndValues = keysAndValues;
        this.weights = weights;
    }

    /** {@return the recording of the passes under this condition} Addresses of its tensors are stable until close. */
    Recording recording() {
        return recording;
    }

    @Nullable
    Tensor selectedClass() {
        return selectedClass;
    }

    Tensor keysAndValues(int layer) {
        Tensor ofLayer = keysAndValues.get(layer);
        if (ofLayer == null) {
            throw new IllegalStateException("block " + layer + " has no cross-attention");
        }
        return ofLayer;
    }

    @Nullable
    Tensor weights() {
        return weights;
    }

    /**
     * {@return the positions of a grid} They are computed once per video.
     *
     * @param compute computes the tables in a workspace
     */
    synchronized PositionTables positions(Grid grid, BiFunction<Workspace, Grid, PositionTables> compute) {
        return positions.computeIfAbsent(grid, key -> compute.apply(workspace, key));
    }

    @Override
    public void close() {
        recording.close();
        workspace.close();
    }
}
