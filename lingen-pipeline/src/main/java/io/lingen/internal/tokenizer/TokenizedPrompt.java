package io.lingen.internal.tokenizer;

/**
 * The token ids of a prompt, truncated to a maximum.
 *
 * @param ids the token ids, including special tokens
 * @param typeIds the segment ids, one per token
 * @param uncutLength the number of tokens before truncation
 * @param cutAt the position in the prompt, in characters, where it was truncated; the prompt's length if it was not
 */
public record TokenizedPrompt(long[] ids, long[] typeIds, int uncutLength, int cutAt) {
    /** Keeps the first tokens and the special tokens at the end. */
    static TokenizedPrompt of(String prompt, Encoding encoding, int maxTokens) {
        Encoding cut = encoding.truncated(maxTokens);
        boolean isCut = cut.length() < encoding.length();
        int lastKept = cut.length() - cut.closing() - 1;
        return new TokenizedPrompt(
                cut.ids(), cut.typeIds(), encoding.length(), isCut ? cut.ends()[lastKept] : prompt.length());
    }

    /** {@return whether tokens were left out} */
    public boolean isCut() {
        return ids.length < uncutLength;
    }
}
