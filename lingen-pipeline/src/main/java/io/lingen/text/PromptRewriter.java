package io.lingen.text;

/**
 * Rewrites a prompt before it is encoded. The paper lets a language model lengthen it; a model trained on short captions wants none, so
 * {@link #IDENTITY} is the default.
 */
@FunctionalInterface
public interface PromptRewriter {
    /** Leaves the prompt as it is. */
    PromptRewriter IDENTITY = prompt -> prompt;

    /** The prompt to encode in the given one's place. */
    String rewrite(String prompt);
}
