package io.lingen.internal.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * The unigram model of SentencePiece (T. Kudo, Subword Regularization, 2018): the segmentation with the highest probability, found by the
 * Viterbi algorithm. Consecutive unknown code points give one token.
 */
final class UnigramModel implements TokenModel {
    /** The difference in score between the least probable piece and an unknown code point. */
    private static final double UNKNOWN_PENALTY = 10;

    private final TokenTrie trie;
    private final double[] scores;
    private final int unknown;
    private final double unknownScore;
    private final @Nullable ByteTokens bytes;

    /**
     * Creates a model.
     *
     * @param trie the pieces; their ids are indices of scores
     * @param scores the logarithms of the probabilities of the pieces
     * @param unknown the id of unknown code points
     * @param bytes the tokens of the UTF-8 bytes of unknown code points, or null
     */
    UnigramModel(TokenTrie trie, double[] scores, int unknown, @Nullable ByteTokens bytes) {
        this.trie = trie;
        this.scores = scores;
        this.unknown = unknown;
        this.bytes = bytes;
        double min = Double.POSITIVE_INFINITY;
        for (double score : scores) {
            min = Math.min(min, score);
        }
        this.unknownScore = min - UNKNOWN_PENALTY;
    }

    @Override
    public int id(String token) {
        return trie.id(token);
    }

    @Override
    public int size() {
        return scores.length;
    }

    @Override
    public void tokenize(NormalizedText word, Tokens tokens) {
        BestPath path = bestPath(word);
        // Collect the pieces from the end to the beginning, then add them in order.
        int[] cuts = new int[word.length() + 1];
        int count = 0;
        for (int end = word.length(); end > 0; ) {
            cuts[count++] = end;
            int start = path.starts[end];
            while (path.ids[end] == unknown && start > 0 && path.ids[start] == unknown) {
                start = path.starts[start];
            }
            end = start;
        }
        int start = 0;
        for (int i = count - 1; i >= 0; i--) {
            add(word, start, cuts[i], path, tokens);
            start = cuts[i];
        }
    }

    private BestPath bestPath(NormalizedText word) {
        BestPath path = new BestPath(word.length());
        for (int start = 0; start < word.length(); start++) {
            // Every code point is a piece or unknown, so every position is reached.
            int node = TokenTrie.ROOT;
            boolean isKnown = false;
            for (int i = start; i < word.length(); i++) {
                node = trie.child(node, word.at(i));
                if (node == TokenTrie.NONE) {
                    break;
                }
                int id = trie.idAt(node);
                if (id != TokenTrie.NONE) {
                    path.offer(start, i + 1, id, scores[id]);
                    isKnown |= i == start;
                }
            }
            if (!isKnown) {
                path.offer(start, start + 1, unknown, unknownScore);
            }
        }
        return path;
    }

    private void add(NormalizedText word, int start, int end, BestPath path, Tokens tokens) {
        if (path.ids[end] != unknown) {
            tokens.add(path.ids[end], word.endOf(end));
            return;
        }
        String text = word.text(start, end);
        int id = trie.id(text);
        int[] spelt = id == TokenTrie.NONE && bytes != null ? bytes.of(text) : new int[0];
        for (int token : spelt) {
            tokens.add(token, word.endOf(end));
        }
        if (spelt.length == 0) {
            tokens.add(id == TokenTrie.NONE ? unknown : id, word.endOf(end));
        }
    }

    /** The best segmentation up to each position of a word: the id and the start of the last piece, and the score. */
    private static final class BestPath {
        private final int[] ids;
        private final int[] starts;
        private final double[] scores;

        BestPath(int length) {
            ids = new int[length + 1];
            starts = new int[length + 1];
            scores = new double[length + 1];
            java.util.Arrays.fill(starts, -1);
        }

        void offer(int start, int end, int id, double score) {
            double total = score + scores[start];
            if (starts[end] < 0 || total > scores[end]) {
                ids[end] = id;
                starts[end] = start;
                scores[end] = total;
            }
        }
    }
}
