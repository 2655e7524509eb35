package io.lingen.text;

/**
 * Rewrites a prompt before it is encoded. The paper lets a language model lengthen it; a model that was trained on few words may bring a
 * {@link Thesaurus}; {@link #IDENTITY} is the default of the others.
 */
@FunctionalInterface
public interface PromptRewriter {
    /** Leaves the prompt as it is. */
    PromptRewriter IDENTITY = prompt -> prompt;

    /** The prompt to encode in the given one's place. */
    String rewrite(String prompt);
}
