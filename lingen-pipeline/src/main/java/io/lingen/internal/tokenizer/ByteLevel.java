package io.lingen.internal.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A pre-tokenizer that maps UTF-8 bytes to visible characters, as GPT-2 does (openai/gpt-2, encoder.py, bytes_to_unicode).
 *
 * @param addPrefixSpace whether to prepend a space to each part
 * @param usesRegex whether to split into words first
 */
record ByteLevel(boolean addPrefixSpace, boolean usesRegex) implements PreTokenizer {
    private static final Regex WORDS =
            RegexParser.compile("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

    private static final int[] CHARACTERS = characters();

    private static int[] characters() {
        int[] characters = new int[256];
        int moved = 256;
        for (int value = 0; value < 256; value++) {
            boolean visible = value >= '!' && value <= '~' || value >= 0xA1 && value != 0xAD;
            characters[value] = visible ? value : moved++;
        }
        return characters;
    }

    @Override
    public List<NormalizedText> split(NormalizedText text) {
        if (addPrefixSpace && text.at(0) != ' ') {
            text.prepend(new int[] {' '});
        }
        List<NormalizedText> words = usesRegex ? SplitBehavior.ISOLATED.split(text, WORDS, false) : List.of(text);
        words.forEach(ByteLevel::map);
        return words;
    }

    private static void map(NormalizedText text) {
        Edits edits = new Edits(2 * text.length());
        for (int i = 0; i < text.length(); i++) {
            byte[] bytes = Character.toString(text.at(i)).getBytes(StandardCharsets.UTF_8);
            for (int j = 0; j < bytes.length; j++) {
                edits.add(CHARACTERS[bytes[j] & 0xFF], j == 0 ? 0 : 1);
            }
        }
        text.apply(edits, 0);
    }
}
