package io.lingen.wan.internal;

import io.lingen.core.HostTensor;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.text.ForwardingTextEncoder;
import io.lingen.text.TextEncoder;
import java.util.Arrays;
import java.util.List;

/**
 * Embeddings padded with rows of zeros, which Wan's transformer was trained to attend to. They are equal, so one row stands for all, with
 * their number as its weight.
 */
final class PaddedTextEncoder extends ForwardingTextEncoder {
    private final int rows;

    /**
     * Wraps an encoder.
     *
     * @param encoder encodes the tokens; closed with this object
     * @param rows the number of rows after padding
     */
    PaddedTextEncoder(TextEncoder encoder, int rows) {
        super(encoder);
        this.rows = rows;
    }

    @Override
    public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        return encoder().encode(prompts, progress).stream().map(this::pad).toList();
    }

    private TextEmbedding pad(TextEmbedding embedding) {
        HostTensor tokens = embedding.tokens();
        int length = Math.toIntExact(tokens.shape().length(0));
        if (length >= rows) {
            return embedding;
        }
        int width = Math.toIntExact(tokens.shape().last());
        float[] padded = Arrays.copyOf(tokens.toFloats(), (length + 1) * width);
        float[] weights = new float[length + 1];
        Arrays.fill(weights, 1);
        weights[length] = rows - length;
        return new TextEmbedding(HostTensor.of(padded, length + 1L, width), HostTensor.of(weights, length + 1L));
    }
}
