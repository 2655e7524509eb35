package io.lingen.text;

import io.lingen.diffusion.TextEmbedding;
import java.util.List;

/**
 * A text encoder: maps a prompt to one vector per token. The embedding of a prompt depends only on that prompt, not on other prompts of the
 * same call or on earlier calls. Thread-safe until it is closed.
 */
public interface TextEncoder extends AutoCloseable {
    /**
     * A text to encode.
     *
     * @param text the text; may be empty
     * @param negative whether it is a negative prompt, which some encoders treat differently
     */
    record Prompt(String text, boolean negative) {
        /**
         * {@return a prompt that is not negative}
         *
         * @param text the text; may be empty
         */
        public static Prompt of(String text) {
            return new Prompt(text, false);
        }

        /**
         * {@return a negative prompt}
         *
         * @param text the text; may be empty
         */
        public static Prompt negative(String text) {
            return new Prompt(text, true);
        }
    }

    /** A receiver of the progress of long work. It may throw an unchecked exception to cancel the work, which then frees its memory. */
    @FunctionalInterface
    interface Progress {
        /** Discards all reports. */
        Progress NONE = (done, total) -> {};

        /**
         * Reports progress. The first report has {@code done} 0, the last one {@code total}. Work of less than about a second need not be
         * reported.
         *
         * @param done the number of completed parts
         * @param total the number of parts, at least 1
         */
        void advanced(int done, int total);
    }

    /** {@return the name of the encoder, for messages} */
    String name();

    /** {@return the length of an embedding vector} */
    int width();

    /** {@return the largest number of tokens of a prompt, including special tokens} */
    int maxTokens();

    /**
     * {@return the whole text that is tokenized for a prompt, for example in lower case, or behind an instruction to the encoder} Prompts with
     * equal texts have equal embeddings, if both are negative or neither is.
     *
     * @param prompt any prompt
     */
    default String normalize(Prompt prompt) {
        return prompt.text();
    }

    /**
     * Encodes prompts, in one pass over the weights if they are not kept in memory. An empty prompt has only special tokens. A prompt with more
     * than {@link #maxTokens} tokens is truncated, and a warning is logged.
     *
     * @param prompts the prompts, at least one
     * @param progress receives the progress
     * @return the embeddings of the prompts, in their order
     * @throws io.lingen.core.OutOfMemoryException if there is too little memory
     */
    List<TextEmbedding> encode(List<Prompt> prompts, Progress progress);

    /** Frees the encoder's memory. */
    @Override
    void close();
}
