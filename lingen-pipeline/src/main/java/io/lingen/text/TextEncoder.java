package io.lingen.text;

import io.lingen.diffusion.TextEmbedding;
import java.util.List;

/**
 * Encodes prompts as one vector per token. The embedding of a prompt depends on nothing else: not on the other prompts of a call, nor on
 * earlier calls. Thread-safe.
 */
public interface TextEncoder extends AutoCloseable {
    /**
     * A text to encode.
     *
     * @param text any text, perhaps empty
     * @param negative whether it is a negative prompt, which some encoders treat differently
     */
    record Prompt(String text, boolean negative) {
        /** {@return a prompt that is not negative} */
        public static Prompt of(String text) {
            return new Prompt(text, false);
        }

        /** {@return a negative prompt} */
        public static Prompt negative(String text) {
            return new Prompt(text, true);
        }
    }

    /** A receiver of the progress of long work. It may throw an unchecked exception to end the work, which frees what it had allocated. */
    @FunctionalInterface
    interface Progress {
        /** Discards all reports. */
        Progress NONE = (done, total) -> {};

        /**
         * Reports progress. The first report of a work has {@code done} 0, the last one {@code total}. Work of less than about a second need
         * not be reported.
         *
         * @param done the number of completed parts
         * @param total the number of parts, at least 1
         */
        void advanced(int done, int total);
    }

    /** The name in messages. */
    String name();

    /** The width of the vectors. */
    int width();

    /** The largest number of tokens of a prompt, special tokens included. */
    int maxTokens();

    /**
     * {@return a prompt's text in the form that is tokenized, for example without surrounding blanks} Texts of equal form have equal
     * embeddings.
     *
     * @param text any text
     */
    default String normalize(String text) {
        return text;
    }

    /**
     * Encodes prompts, in one pass over the weights if they are not kept in memory. The empty prompt consists of special tokens only. A prompt
     * that is longer than {@link #maxTokens} is truncated, with a warning in the log.
     *
     * @param prompts the prompts, at least one
     * @param progress receives the progress
     * @return the embeddings of the prompts, in their order
     * @throws io.lingen.core.OutOfMemoryException if there is too little memory
     */
    List<TextEmbedding> encode(List<Prompt> prompts, Progress progress);

    @Override
    void close();
}
