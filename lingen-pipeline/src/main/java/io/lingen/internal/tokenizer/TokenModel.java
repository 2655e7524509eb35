package io.lingen.internal.tokenizer;

/** A model that splits a word into tokens of a vocabulary. Immutable. */
interface TokenModel {
    /** The id of a token, or {@link TokenTrie#NONE}. */
    int id(String token);

    /** The number of tokens. */
    int size();

    /** Adds the tokens of a non-empty word. */
    void tokenize(NormalizedText word, Tokens tokens);
}
