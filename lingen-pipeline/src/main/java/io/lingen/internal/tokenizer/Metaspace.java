package io.lingen.internal.tokenizer;

import java.util.List;

/**
 * Makes blanks visible and splits before them, as SentencePiece does.
 *
 * @param replacement the visible blank
 * @param prepend which parts get one in front
 * @param splits whether to split
 */
record Metaspace(int replacement, Prepend prepend, boolean splits) implements PreTokenizer {
    /** Which parts of a prompt begin with a visible blank, whether they had one or not. */
    enum Prepend {
        FIRST,
        NEVER,
        ALWAYS
    }

    private static final Pattern BLANK = Pattern.of(codePoint -> codePoint == ' ');

    @Override
    public List<NormalizedText> split(NormalizedText text) {
        int[] content = {replacement};
        text.replace(BLANK, content);
        boolean prepends = prepend == Prepend.ALWAYS || prepend == Prepend.FIRST && text.isAtStart();
        if (prepends && text.at(0) != replacement) {
            text.prepend(content);
        }
        return splits
                ? SplitBehavior.MERGED_WITH_NEXT.split(text, Pattern.of(codePoint -> codePoint == replacement), false)
                : List.of(text);
    }
}
