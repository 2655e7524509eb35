package io.lingen.internal.onnx;

import io.lingen.internal.tokenizer.Encoding;

/**
 * A prompt as token ids, cut at a cap.
 *
 * @param ids token ids, special tokens included
 * @param typeIds segment ids, as long as ids
 * @param uncutLength the number of tokens before cutting
 * @param cutAt where in the prompt, in characters, it was cut; its length when it was not
 */
record TokenizedPrompt(long[] ids, long[] typeIds, int uncutLength, int cutAt) {
    /** Keeps the first tokens and the special ones that close the sequence. */
    static TokenizedPrompt of(String prompt, Encoding encoding, int maxTokens) {
        Encoding cut = encoding.truncated(maxTokens);
        boolean isCut = cut.length() < encoding.length();
        int lastKept = cut.length() - cut.closing() - 1;
        return new TokenizedPrompt(
                cut.ids(), cut.typeIds(), encoding.length(), isCut ? cut.ends()[lastKept] : prompt.length());
    }

    boolean isCut() {
        return ids.length < uncutLength;
    }
}
