package io.lingen.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Cuts added tokens out of a text: the leftmost first, the longest of those that begin at one place. Immutable. */
final class AddedTokens {
    private final List<AddedToken> tokens;
    private final TokenTrie trie = new TokenTrie();

    /** Tokens by what they look like in the text, which is their content, normalized if they are. */
    AddedTokens(List<AddedToken> tokens, Normalizer normalizer) {
        this.tokens = List.copyOf(tokens);
        for (int i = 0; i < tokens.size(); i++) {
            AddedToken token = tokens.get(i);
            NormalizedText content = NormalizedText.of(token.content());
            if (token.normalized()) {
                normalizer.normalize(content);
            }
            if (content.length() == 0) {
                throw new IllegalArgumentException("must have added tokens that the normalizer leaves something of");
            }
            int previous = trie.put(content.toString(), i);
            if (previous != TokenTrie.NONE) {
                // Of equal ones the first counts.
                trie.put(content.toString(), previous);
            }
        }
    }

    /** Calls back with each part of a text and the added token that it is, null for the parts between. No part is empty. */
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
