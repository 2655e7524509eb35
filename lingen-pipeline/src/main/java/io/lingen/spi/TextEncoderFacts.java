package io.lingen.spi;

import java.util.List;

/**
 * The properties of a text encoder that are known without loading it.
 *
 * @param maxTokens the largest number of tokens of a prompt, including special tokens
 * @param width the length of an embedding vector
 * @param heldBytes the memory of the loaded encoder in bytes
 * @param peakBytes the peak memory in bytes, including the held memory, while it is loaded or encodes prompts
 * @param files the paths, within the model, of all files that determine its embeddings; empty if some of them are not part of the model
 */
public record TextEncoderFacts(int maxTokens, int width, long heldBytes, long peakBytes, List<String> files) {
    /** Copies the list. */
    public TextEncoderFacts {
        files = List.copyOf(files);
    }
}
