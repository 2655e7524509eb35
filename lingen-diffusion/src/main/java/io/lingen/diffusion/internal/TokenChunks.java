package io.lingen.diffusion.internal;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;

/**
 * The evaluation of a layer that mixes no tokens in chunks of rows. The size of its intermediate tensors is independent of the video's
 * length.
 */
public final class TokenChunks {
    private TokenChunks() {}

    /** A layer applied to one chunk. */
    public interface Layer {
        /**
         * Updates a chunk of rows.
         *
         * @param workspace closed after the call
         * @param chunk [n, d]
         * @param taps receives tensors [n, d], which are gathered; {@link Taps#NONE} if nobody listens
         */
        void apply(Workspace workspace, Tensor chunk, Taps taps);
    }

    /**
     * Applies a layer to every chunk of x, each with its own workspace. Taps receive the gathered tensor once, under the given name.
     *
     * @param backend the backend of x
     * @param x [N, d]
     * @param taps receives what the layer taps for its chunks, as one tensor [N, d]
     * @param name the name of that tensor
     * @param layer the layer
     */
    public static void forEach(Backend backend, Tensor x, Taps taps, String name, Layer layer) {
        long tokens = x.shape().length(0);
        long size = backend.tokensPerChunk();
        try (Workspace gathered = backend.newWorkspace()) {
            Tensor whole = taps == Taps.NONE ? null : gathered.allocate(DType.F32, x.shape());
            for (long from = 0; from < tokens; from += size) {
                long first = from;
                long to = Math.min(tokens, from + size);
                Taps chunkTaps =
                        whole == null ? Taps.NONE : (tapped, part) -> backend.copy(part, whole.slice(first, to));
                try (Workspace workspace = backend.newWorkspace()) {
                    layer.apply(workspace, x.slice(from, to), chunkTaps);
                }
            }
            if (whole != null) {
                taps.accept(name, whole);
            }
        }
    }
}
