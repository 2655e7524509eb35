package io.lingen.text;

/**
 * A function that changes a prompt before it is encoded. Examples are a {@link Thesaurus} for a model that was trained on few words, and a
 * language model that extends short prompts, as in the paper. Thread-safe.
 */
@FunctionalInterface
public interface PromptRewriter {
    /** Returns every prompt unchanged. */
    PromptRewriter IDENTITY = prompt -> prompt;

    /**
     * {@return the prompt to encode}
     *
     * @param prompt the prompt of the request
     */
    String rewrite(String prompt);
}
