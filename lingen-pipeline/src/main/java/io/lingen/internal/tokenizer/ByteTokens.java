package io.lingen.internal.tokenizer;

import java.nio.charset.StandardCharsets;

/** The tokens {@code <0x00>} to {@code <0xFF>} for the UTF-8 bytes of text without other tokens. */
final class ByteTokens {
    private final int[] ids = new int[256];

    ByteTokens(TokenTrie trie) {
        for (int value = 0; value < ids.length; value++) {
            ids[value] = trie.id(String.format("<0x%02X>", value));
        }
    }

    /** The tokens of the UTF-8 bytes of a text; empty if a token is missing. */
    int[] of(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] tokens = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            tokens[i] = ids[bytes[i] & 0xFF];
            if (tokens[i] == TokenTrie.NONE) {
                return new int[0];
            }
        }
        return tokens;
    }
}
