package io.lingen.internal.gemma;

/**
 * The text around a prompt, and the rows of hidden states that become its embedding. A prompt is encoded behind an instruction; of the
 * instruction only the first row and the last one are kept.
 *
 * @param instruction the text before every prompt that is not negative; may be empty
 * @param maxRows the largest number of rows of an embedding
 */
public record PromptTemplate(String instruction, int maxRows) {
    /**
     * Checks the number of rows.
     *
     * @throws IllegalArgumentException if it is less than 2
     */
    public PromptTemplate {
        if (maxRows < 2) {
            throw new IllegalArgumentException("rows of an embedding must be at least 2, found " + maxRows);
        }
    }
}
