package io.lingen.internal.tokenizer;

/**
 * The WordPiece model of BERT (Y. Wu et al., Google's Neural Machine Translation System, 2016): takes the longest piece that is a prefix of
 * the remaining word. If no piece matches, the complete word is unknown.
 */
final class WordPieceModel implements TokenModel {
    private final Vocabulary vocabulary;
    private final int unknown;
    private final int continuation;
    private final int maxWordLength;

    /**
     * Creates a model.
     *
     * @param vocabulary the pieces
     * @param unknown the id of an unknown word
     * @param prefix the prefix of pieces that continue a word
     * @param maxWordLength the largest number of code points of a word; longer words are unknown
     */
    WordPieceModel(Vocabulary vocabulary, int unknown, String prefix, int maxWordLength) {
        this.vocabulary = vocabulary;
        this.unknown = unknown;
        this.continuation = vocabulary.trie().walk(TokenTrie.ROOT, prefix);
        this.maxWordLength = maxWordLength;
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
        Tokens pieces = new Tokens();
        if (word.length() > maxWordLength || !split(word, pieces)) {
            tokens.add(unknown, word.endOf(word.length()));
            return;
        }
        for (int i = 0; i < pieces.count(); i++) {
            tokens.add(pieces.id(i), pieces.end(i));
        }
    }

    private boolean split(NormalizedText word, Tokens pieces) {
        TokenTrie trie = vocabulary.trie();
        int start = 0;
        while (start < word.length()) {
            int node = start == 0 ? TokenTrie.ROOT : continuation;
            int id = TokenTrie.NONE;
            int end = start;
            for (int i = start; i < word.length() && node != TokenTrie.NONE; i++) {
                node = trie.child(node, word.at(i));
                if (node != TokenTrie.NONE && trie.idAt(node) != TokenTrie.NONE) {
                    id = trie.idAt(node);
                    end = i + 1;
                }
            }
            if (id == TokenTrie.NONE) {
                return false;
            }
            pieces.add(id, word.endOf(end));
            start = end;
        }
        return true;
    }
}
