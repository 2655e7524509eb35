package io.lingen.internal.tokenizer;

import java.util.List;

/**
 * A pre-tokenizer that replaces spaces by a visible character and splits before it, as SentencePiece does.
 *
 * @param replacement the visible character
 * @param prepend the parts to which it is prepended
 * @param splits whether to split
 */
record Metaspace(int replacement, Prepend prepend, boolean splits) implements PreTokenizer {
    /** The parts of a prompt to which the visible character is prepended if they do not begin with it. */
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
