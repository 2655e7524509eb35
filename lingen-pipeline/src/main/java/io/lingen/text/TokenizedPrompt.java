package io.lingen.text;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.util.Arrays;

/**
 * A prompt as token ids, cut at a cap.
 *
 * @param ids token ids, special tokens included
 * @param typeIds segment ids, as long as ids
 * @param uncutLength the number of tokens before cutting
 * @param cutAt where in the prompt, in characters, it was cut; its length when it was not
 */
record TokenizedPrompt(long[] ids, long[] typeIds, int uncutLength, int cutAt) {
    /** Keeps the first tokens and the special ones that close the sequence, as tokenizers truncate. */
    static TokenizedPrompt of(String prompt, Encoding encoding, int maxTokens) {
        long[] ids = encoding.getIds();
        if (ids.length <= maxTokens) {
            return new TokenizedPrompt(ids, encoding.getTypeIds(), ids.length, prompt.length());
        }
        int closing = closingTokens(encoding.getSpecialTokenMask());
        int kept = maxTokens - closing;
        return new TokenizedPrompt(
                cut(ids, kept, closing),
                cut(encoding.getTypeIds(), kept, closing),
                ids.length,
                endOf(prompt, encoding.getCharTokenSpans()[kept - 1]));
    }

    boolean isCut() {
        return ids.length < uncutLength;
    }

    private static int closingTokens(long[] special) {
        int closing = 0;
        while (closing < special.length && special[special.length - 1 - closing] == 1) {
            closing++;
        }
        return closing;
    }

    private static long[] cut(long[] values, int kept, int closing) {
        long[] cut = Arrays.copyOf(values, kept + closing);
        System.arraycopy(values, values.length - closing, cut, kept, closing);
        return cut;
    }

    private static int endOf(String prompt, CharSpan span) {
        int codePoints = prompt.codePointCount(0, prompt.length());
        return prompt.offsetByCodePoints(0, Math.min(span.getEnd(), codePoints));
    }
}
