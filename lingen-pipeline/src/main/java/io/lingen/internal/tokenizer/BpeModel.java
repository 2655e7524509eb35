package io.lingen.internal.tokenizer;

import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Byte-pair encoding (R. Sennrich et al., Neural Machine Translation of Rare Words with Subword Units, 2016). Repeatedly merges the
 * neighboring pair of lowest rank, the leftmost of equal pairs.
 */
final class BpeModel implements TokenModel {
    /**
     * The settings of a BPE model.
     *
     * @param unknown the id of an unknown code point; {@link TokenTrie#NONE} to omit unknown code points
     * @param prefix the prefix of tokens that continue a word; may be empty
     * @param suffix the suffix of tokens that end a word; may be empty
     * @param fusesUnknown whether consecutive unknown code points give one token
     * @param bytes the tokens of the UTF-8 bytes of unknown code points, or null
     * @param ignoresMerges whether a word that is a token is not merged from its code points
     */
    record Options(
            int unknown,
            String prefix,
            String suffix,
            boolean fusesUnknown,
            @Nullable ByteTokens bytes,
            boolean ignoresMerges) {}

    private final Vocabulary vocabulary;
    private final BpeMerges merges;
    private final Options options;
    private final int continuation;

    BpeModel(Vocabulary vocabulary, BpeMerges merges, Options options) {
        this.vocabulary = vocabulary;
        this.merges = merges;
        this.options = options;
        this.continuation = vocabulary.trie().walk(TokenTrie.ROOT, options.prefix());
    }

    @Override
    public int id(String token) {
        return vocabulary.trie().id(token);
    }

    @Override
    public int size() {
        return vocabulary.size();
    }

    @Override
    public void tokenize(NormalizedText word, Tokens tokens) {
        if (options.ignoresMerges()) {
            int id = id(word.toString());
            if (id != TokenTrie.NONE) {
                tokens.add(id, word.endOf(word.length()));
                return;
            }
        }
        BpeSymbols symbols = symbols(word);
        merge(symbols);
        symbols.addTo(tokens);
    }

    /** The tokens of single code points. Like the library tokenizers, delays an unknown token until the next known one. */
    private BpeSymbols symbols(NormalizedText word) {
        BpeSymbols symbols = new BpeSymbols(word.length());
        int unknownEnd = -1;
        for (int i = 0; i < word.length(); i++) {
            int end = word.endOf(i + 1);
            int id = id(word, i);
            if (id != TokenTrie.NONE) {
                if (unknownEnd >= 0) {
                    symbols.add(options.unknown(), unknownEnd);
                    unknownEnd = -1;
                }
                symbols.add(id, end);
                continue;
            }
            int[] spelt = options.bytes() == null ? new int[0] : options.bytes().of(spelling(word, i));
            for (int token : spelt) {
                symbols.add(token, end);
            }
            if (spelt.length == 0 && options.unknown() != TokenTrie.NONE) {
                if (unknownEnd >= 0 && !options.fusesUnknown()) {
                    symbols.add(options.unknown(), unknownEnd);
                }
                unknownEnd = end;
            }
        }
        if (unknownEnd >= 0) {
            symbols.add(options.unknown(), unknownEnd);
        }
        return symbols;
    }

    private int id(NormalizedText word, int index) {
        TokenTrie trie = vocabulary.trie();
        int node = index == 0 ? TokenTrie.ROOT : continuation;
        node = node == TokenTrie.NONE ? node : trie.child(node, word.at(index));
        if (node != TokenTrie.NONE && index == word.length() - 1) {
            node = trie.walk(node, options.suffix());
        }
        return node == TokenTrie.NONE ? TokenTrie.NONE : trie.idAt(node);
    }

    private String spelling(NormalizedText word, int index) {
        return (index == 0 ? "" : options.prefix())
                + Character.toString(word.at(index))
                + (index == word.length() - 1 ? options.suffix() : "");
    }

    private void merge(BpeSymbols symbols) {
        symbols.link();
        PriorityQueue<Long> queue = new PriorityQueue<>();
        for (int i = 0; i + 1 < symbols.count(); i++) {
            offer(symbols, i, queue);
        }
        while (!queue.isEmpty()) {
            long top = queue.remove();
            int position = (int) top;
            int merged = merges.result((int) (top >>> 32));
            int rank = symbols.isAlive(position) ? rank(symbols, position) : BpeMerges.NONE;
            // The pair may have changed since it was queued.
            if (rank == BpeMerges.NONE || merges.result(rank) != merged) {
                continue;
            }
            symbols.mergeWithNext(position, merged);
            if (symbols.previous(position) >= 0) {
                offer(symbols, symbols.previous(position), queue);
            }
            offer(symbols, position, queue);
        }
    }

    private void offer(BpeSymbols symbols, int position, PriorityQueue<Long> queue) {
        int rank = rank(symbols, position);
        if (rank != BpeMerges.NONE) {
            queue.add((long) rank << 32 | position);
        }
    }

    private int rank(BpeSymbols symbols, int position) {
        int next = symbols.next(position);
        return next < 0 ? BpeMerges.NONE : merges.rank(symbols.id(position), symbols.id(next));
    }
}
