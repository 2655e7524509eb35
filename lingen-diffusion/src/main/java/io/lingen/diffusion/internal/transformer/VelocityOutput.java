package io.lingen.diffusion.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import java.util.List;

/**
 * The last layer of a {@link FlowTransformer}: a norm modulated by the time, and a linear layer to patches. The columns of a patch are ordered
 * (patch cell, channel) in the checkpoint, and (channel, patch cell) in the packed layer, as {@link Backend#unpatchify} expects.
 */
public final class VelocityOutput {
    private final Backend backend;
    private final DType precision;
    private final int channels;
    private final int cells;
    private final float epsilon;
    private final Tensor scaleShiftTable; // [2, D]: shift, scale
    private final Linear projection; // D -> cells * C

    /**
     * Reads the layer {@code proj_out}.
     *
     * @param weights the weights of the transformer
     * @param scaleShiftTable [2, D]: shift, scale
     * @param channels the number C of channels of a latent
     * @param epsilon of the norm
     */
    public VelocityOutput(ModelWeights weights, Tensor scaleShiftTable, int channels, float epsilon) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.channels = channels;
        this.cells = FlowTransformer.PATCH.cells();
        this.epsilon = epsilon;
        this.scaleShiftTable = scaleShiftTable;
        int patchWidth = channels * cells;
        HostTensor weight = weights.host(
                "proj_out.weight", patchWidth, scaleShiftTable.shape().last());
        HostTensor bias = weights.host("proj_out.bias", patchWidth);
        this.projection = backend.computes()
                ? weights.linear(channelFirst(weight), channelFirst(bias))
                : weights.linear(weight, bias);
    }

    private HostTensor channelFirst(HostTensor rows) {
        int width = Math.toIntExact(rows.shape().elements() / (channels * cells));
        float[] from = rows.toFloats();
        float[] to = new float[from.length];
        for (int cell = 0; cell < cells; cell++) {
            for (int channel = 0; channel < channels; channel++) {
                System.arraycopy(
                        from, (cell * channels + channel) * width, to, (channel * cells + cell) * width, width);
            }
        }
        return HostTensor.of(to, rows.shape().toArray());
    }

    /** {@return the number of channels of a latent} */
    int channels() {
        return channels;
    }

    /**
     * {@return the patches of the velocity, [N, C * cells]}
     *
     * @param workspace the owner of the result
     * @param x [N, D]
     * @param times the embeddings of the times of all tokens, [1, D] each
     * @param taps receives "proj_out", with columns in the order of the checkpoint
     */
    Tensor forward(Workspace workspace, Tensor x, List<Modulation> times, Taps taps) {
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor normed = scratch.allocate(precision, x.shape()); // [N, D]
            for (Modulation time : times) {
                Tensor vectors = scratch.allocate(DType.F32, scaleShiftTable.shape()); // [2, D]: shift, scale
                for (int row = 0; row < 2; row++) {
                    backend.add(scaleShiftTable.slice(row, row + 1L), time.vectors(), vectors.slice(row, row + 1L));
                }
                Modulation m = new Modulation(time.from(), time.to(), vectors);
                backend.modulatedLayerNorm(m.rowsOf(x), m.vector(0), m.vector(1), epsilon, m.rowsOf(normed));
            }
            Tensor patches = projection.apply(workspace, normed, DType.F32);
            tap(patches, taps);
            return patches;
        }
    }

    private void tap(Tensor patches, Taps taps) {
        if (taps == Taps.NONE || !backend.computes()) {
            return;
        }
        float[] rows = backend.download(patches).toFloats();
        float[] reordered = new float[rows.length];
        int width = channels * cells;
        for (int i = 0; i < rows.length; i++) {
            int column = i % width;
            reordered[i - column + column % cells * channels + column / cells] = rows[i];
        }
        try (Workspace workspace = backend.newWorkspace()) {
            HostTensor values = HostTensor.of(reordered, patches.shape().toArray());
            taps.accept("proj_out", backend.upload(workspace, values, DType.F32));
        }
    }
}
