package io.lingen.internal.tokenizer;

import java.util.Arrays;

/**
 * Tokens by their code points: a trie whose edges lie in one hash table. Looks up whole tokens and, edge by edge, all tokens that a text
 * begins with.
 */
final class TokenTrie {
    static final int NONE = LongIntMap.NONE;

    /** The node before the first code point. */
    static final int ROOT = 0;

    private static final int CODE_POINT_BITS = 21;

    private final LongIntMap edges = new LongIntMap();
    private int[] ids = new int[64];
    private int nodes = 1;

    TokenTrie() {
        ids[ROOT] = NONE;
    }

    /** Sets the id of a token and returns its previous one, {@link #NONE} if it is new. */
    int put(String token, int id) {
        int node = ROOT;
        for (int i = 0; i < token.length(); ) {
            int codePoint = token.codePointAt(i);
            i += Character.charCount(codePoint);
            node = addChild(node, codePoint);
        }
        int previous = ids[node];
        ids[node] = id;
        return previous;
    }

    private int addChild(int node, int codePoint) {
        int child = child(node, codePoint);
        if (child == NONE) {
            child = nodes++;
            if (child == ids.length) {
                ids = Arrays.copyOf(ids, 2 * child);
            }
            ids[child] = NONE;
            edges.put(key(node, codePoint), child);
        }
        return child;
    }

    /** The node one code point further, or {@link #NONE}. */
    int child(int node, int codePoint) {
        return edges.get(key(node, codePoint));
    }

    /** The id of the token that ends at a node, or {@link #NONE}. */
    int idAt(int node) {
        return ids[node];
    }

    /** The id of a token, or {@link #NONE}. */
    int id(String token) {
        int node = walk(ROOT, token);
        return node == NONE ? NONE : ids[node];
    }

    /** The node that a text leads to, or {@link #NONE}. */
    int walk(int node, String text) {
        int reached = node;
        for (int i = 0; i < text.length() && reached != NONE; ) {
            int codePoint = text.codePointAt(i);
            i += Character.charCount(codePoint);
            reached = child(reached, codePoint);
        }
        return reached;
    }

    /** The number of nodes: what the trie takes in memory. */
    int nodes() {
        return nodes;
    }

    private static long key(int node, int codePoint) {
        return (long) node << CODE_POINT_BITS | codePoint;
    }
}
