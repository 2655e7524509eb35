package io.lingen.internal.tokenizer;

import java.util.Arrays;

/**
 * A trie of tokens by code points, with all edges in one hash table. Looks up tokens and, edge by edge, all tokens that are a prefix of a
 * text.
 */
final class TokenTrie {
    static final int NONE = LongIntMap.NONE;

    /** The root, which corresponds to the empty text. */
    static final int ROOT = 0;

    private static final int CODE_POINT_BITS = 21;

    private final LongIntMap edges = new LongIntMap();
    private int[] ids = new int[64];
    private int nodes = 1;

    TokenTrie() {
        ids[ROOT] = NONE;
    }

    /** Sets the id of a token and returns the previous one, or {@link #NONE} if the token is new. */
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

    /** The child of a node for a code point, or {@link #NONE}. */
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

    /** The descendant of a node for a text, or {@link #NONE}. */
    int walk(int node, String text) {
        int reached = node;
        for (int i = 0; i < text.length() && reached != NONE; ) {
            int codePoint = text.codePointAt(i);
            i += Character.charCount(codePoint);
            reached = child(reached, codePoint);
        }
        return reached;
    }

    /** The number of nodes, to which the size in memory is proportional. */
    int nodes() {
        return nodes;
    }

    private static long key(int node, int codePoint) {
        return (long) node << CODE_POINT_BITS | codePoint;
    }
}
