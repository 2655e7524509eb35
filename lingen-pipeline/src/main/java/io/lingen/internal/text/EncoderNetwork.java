package io.lingen.internal.text;

import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.layer.ModelWeights;

/**
 * The network of a text encoder: token embeddings, layers that update them one after the other, and an RMS norm at the end. A network knows
 * its sizes and the names of its tensors, and holds no weights. Immutable and thread-safe.
 */
public interface EncoderNetwork {
    /** {@return the width of the embeddings and hidden states} */
    int width();

    /** {@return the number of token embeddings} */
    int vocabulary();

    /** {@return the number of layers} */
    int layers();

    /** {@return the number of elements of the largest matrix of a layer} */
    long largestMatrix();

    /** {@return the addend to the mean square in RMS norms} */
    float epsilon();

    /**
     * Reads the embeddings of tokens, and no others.
     *
     * @param weights all tensors of the encoder
     * @param ids the token ids, all below {@link #vocabulary}
     * @return [ids.length, width] in F32
     */
    Tensor embed(ModelWeights weights, long[] ids);

    /** {@return a reader of the layers, for one pass} */
    LayerReader layerReader();

    /**
     * Reads the weight of the norm at the end.
     *
     * @param weights all tensors of the encoder
     * @return [width] in F32
     */
    Tensor finalNorm(ModelWeights weights);

    /**
     * Marks the tensors that checkpoints have beside those of the encoder, such as a decoder, as not needed.
     *
     * @param weights all tensors of the encoder
     */
    void ignoreOthers(ModelWeights weights);

    /** A reader of layers. Not thread-safe. */
    @FunctionalInterface
    interface LayerReader {
        /**
         * Reads a layer. Must be called for the layers from first to last.
         *
         * @param weights all tensors of the encoder; their workspace owns the packed weights
         * @param layer the number of the layer
         * @return the layer
         */
        Layer read(ModelWeights weights, int layer);
    }

    /** A layer. Immutable and thread-safe; valid while the workspace of its weights is open. */
    @FunctionalInterface
    interface Layer {
        /**
         * Updates the hidden states of a prompt.
         *
         * @param x [n, width] in F32, overwritten
         * @param taps receives intermediate results
         */
        void forward(Tensor x, Taps taps);
    }
}
