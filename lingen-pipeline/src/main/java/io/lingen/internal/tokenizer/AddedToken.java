package io.lingen.internal.tokenizer;

/**
 * A token that is cut out of a text before the model sees it.
 *
 * @param id its id
 * @param content its text
 * @param singleWord whether it only matches where no word character touches it
 * @param leftStrip whether it takes the white space before it along
 * @param rightStrip whether it takes the white space after it along
 * @param normalized whether it is looked for in the normalized text
 * @param special whether it is of the kind that is not text, such as a separator
 */
record AddedToken(
        int id,
        String content,
        boolean singleWord,
        boolean leftStrip,
        boolean rightStrip,
        boolean normalized,
        boolean special) {}
