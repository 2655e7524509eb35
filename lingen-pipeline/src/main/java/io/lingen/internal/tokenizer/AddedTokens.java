package io.lingen.internal.tokenizer;

import io.lingen.core.internal.SafeText;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Extracts added tokens from a text: the leftmost first, and the longest of those that begin at the same position. Immutable. */
final class AddedTokens {
    private final List<AddedToken> tokens;
    private final TokenTrie trie = new TokenTrie();

    /**
     * Prepares tokens for matching.
     *
     * @throws IllegalArgumentException if the normalizer maps a token to the empty text
     */
    AddedTokens(List<AddedToken> tokens, Normalizer normalizer) {
        this.tokens = List.copyOf(tokens);
        for (int i = 0; i < tokens.size(); i++) {
            AddedToken token = tokens.get(i);
            NormalizedText content = NormalizedText.of(token.content());
            if (token.normalized()) {
                normalizer.normalize(content);
            }
            if (content.length() == 0) {
                throw new IllegalArgumentException("must not have an added token that the normalizer removes, found \""
                        + SafeText.of(token.content()) + '"');
            }
            int previous = trie.put(content.toString(), i);
            if (previous != TokenTrie.NONE) {
                // The first of equal tokens has priority.
                trie.put(content.toString(), previous);
            }
        }
    }

    /** Passes on the parts of a text in order, each with its added token, or with null for the text between. No part is empty. */
    void split(NormalizedText text, BiConsumer<NormalizedText, @Nullable AddedToken> parts) {
        int end = 0;
        for (Found found : find(text)) {
            AddedToken token = found.token();
            int start = found.span().start();
            int stop = found.span().end();
            while (token.leftStrip() && start > end && Characters.isWhitespace(text.at(start - 1))) {
                start--;
            }
            while (token.rightStrip() && stop < text.length() && Characters.isWhitespace(text.at(stop))) {
                stop++;
            }
            if (end < start) {
                parts.accept(text.slice(end, start), null);
            }
            parts.accept(text.slice(start, stop), token);
            end = stop;
        }
        if (end < text.length()) {
            parts.accept(text.slice(end, text.length()), null);
        }
    }

    private record Found(AddedToken token, Span span) {}

    private List<Found> find(NormalizedText text) {
        List<Found> found = new ArrayList<>();
        for (int at = 0; at < text.length(); ) {
            Found match = longestAt(text, at);
            if (match != null && (!match.token().singleWord() || isSingleWord(text, match.span()))) {
                found.add(match);
            }
            at = match == null ? at + 1 : match.span().end();
        }
        return found;
    }

    private @Nullable Found longestAt(NormalizedText text, int start) {
        Found longest = null;
        int node = TokenTrie.ROOT;
        for (int i = start; i < text.length(); i++) {
            node = trie.child(node, text.at(i));
            if (node == TokenTrie.NONE) {
                break;
            }
            if (trie.idAt(node) != TokenTrie.NONE) {
                longest = new Found(tokens.get(trie.idAt(node)), new Span(start, i + 1));
            }
        }
        return longest;
    }

    private static boolean isSingleWord(NormalizedText text, Span span) {
        return (span.start() == 0 || !Characters.isWord(text.at(span.start() - 1)))
                && (span.end() == text.length() || !Characters.isWord(text.at(span.end())));
    }
}
