package io.lingen.internal.tokenizer;

/**
 * A model's tokens.
 *
 * @param trie the tokens and their ids
 * @param size their number
 */
record Vocabulary(TokenTrie trie, int size) {}
