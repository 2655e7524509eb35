package io.lingen.wan.internal;

import io.lingen.core.HostTensor;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.text.TextEncoder;
import java.util.Arrays;
import java.util.List;

/**
 * Embeddings padded with rows of zeros, which Wan's transformer was trained to attend to. They are equal, so one row stands for all, with
 * their number as its weight.
 *
 * @param encoder encodes the tokens; closed with this
 * @param rows the number of rows after padding
 */
record PaddedTextEncoder(TextEncoder encoder, int rows) implements TextEncoder {
    @Override
    public String name() {
        return encoder.name();
    }

    @Override
    public int width() {
        return encoder.width();
    }

    @Override
    public int maxTokens() {
        return encoder.maxTokens();
    }

    @Override
    public String normalize(String text) {
        return encoder.normalize(text);
    }

    @Override
    public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        return encoder.encode(prompts, progress).stream().map(this::pad).toList();
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

    @Override
    public void close() {
        encoder.close();
    }
}
