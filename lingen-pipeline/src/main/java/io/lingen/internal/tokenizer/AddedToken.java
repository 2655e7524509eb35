package io.lingen.internal.tokenizer;

/**
 * A token that is extracted from a text before the model splits the rest.
 *
 * @param id the token id
 * @param content the text of the token
 * @param singleWord whether it matches only between characters that are not word characters
 * @param leftStrip whether a match includes the white space before it
 * @param rightStrip whether a match includes the white space after it
 * @param normalized whether it is matched in the normalized text instead of the original one
 * @param special whether it is a special token, such as a separator
 */
record AddedToken(
        int id,
        String content,
        boolean singleWord,
        boolean leftStrip,
        boolean rightStrip,
        boolean normalized,
        boolean special) {}
