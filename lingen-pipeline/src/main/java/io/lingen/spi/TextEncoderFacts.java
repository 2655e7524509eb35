package io.lingen.spi;

import java.util.List;

/**
 * The properties of a text encoder that are known without loading it.
 *
 * @param maxTokens the token cap
 * @param width the width of the vectors
 * @param heldBytes the memory that it holds while it is loaded
 * @param peakBytes the most memory that it takes, including the held memory, while it is loaded or encodes prompts
 * @param files the paths inside the model of all files that determine its embeddings; empty if some of them are not part of the model
 */
public record TextEncoderFacts(int maxTokens, int width, long heldBytes, long peakBytes, List<String> files) {
    /** Copies the list. */
    public TextEncoderFacts {
        files = List.copyOf(files);
    }
}
