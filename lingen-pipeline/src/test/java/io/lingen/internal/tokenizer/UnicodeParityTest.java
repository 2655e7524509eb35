package io.lingen.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.huggingface.tokenizers.Encoding;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Comparison of normalizers, splits and character classes with the Rust library, for each code point alone and with marks before and after it.
 * Large blocks of ideographs, syllables and private use are sampled.
 */
class UnicodeParityTest {
    private static final int SAMPLE = 97;
    private static final int CHUNK = 300;

    @BeforeEach
    void jdkHasTheUnicodeVersionOfTheTables() {
        assumeTrue(
                Runtime.version().feature() == 25,
                "the tables are differences from Unicode 16, which is JDK 25's; extend them for a later one");
    }

    static Stream<Arguments> normalizers() {
        return Stream.of("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")
                .map(type -> Arguments.of("{'type':'" + type + "'}", "null"));
    }

    static Stream<Arguments> bert() {
        return Stream.of(Arguments.of(
                "{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,'strip_accents':null,'lowercase':true}",
                "{'type':'BertPreTokenizer'}"));
    }

    static Stream<Arguments> splits() {
        return Stream.of(
                        "{'type':'Whitespace'}",
                        "{'type':'WhitespaceSplit'}",
                        "{'type':'Punctuation','behavior':'Removed'}",
                        "{'type':'Digits','individual_digits':true}",
                        split("\\\\p{L}"),
                        split("\\\\p{Lu}|\\\\p{Ll}"),
                        split("\\\\p{N}|\\\\p{M}"),
                        split("\\\\p{P}"),
                        split("\\\\d|\\\\s"),
                        split("\\\\w"),
                        split("[^\\\\W\\\\d]"),
                        split("[\\\\w]|\\\\S(?=x)"),
                        split("\\\\W"),
                        split("(?i:k|s|z)"),
                        split("."))
                .map(preTokenizer -> Arguments.of("null", preTokenizer));
    }

    static Stream<Arguments> rules() {
        TreeMap<String, String> rules = new TreeMap<>(CharsMapBuilder.nmtNfkc());
        for (int codePoint = 0xA0; codePoint < 0x600; codePoint++) {
            rules.putIfAbsent(Character.toString(codePoint), "<" + codePoint + ">");
        }
        rules.put("a", "<a>");
        return Stream.of(Arguments.of(TokenizerFiles.precompiled(rules), "null"));
    }

    private static String split(String regex) {
        return "{'type':'Split','pattern':{'Regex':'" + regex + "'},'behavior':'Removed','invert':false}";
    }

    @ParameterizedTest
    @MethodSource({"normalizers", "bert", "splits", "rules"})
    void allCodePointsEqualTheNativeTokenizer(String normalizer, String preTokenizer) throws IOException {
        byte[] json = TokenizerFiles.bytes(normalizer, preTokenizer);
        Tokenizer tokenizer = TokenizerReader.read("tokenizer.json", json);
        try (NativeTokenizer expected = new NativeTokenizer(json)) {
            for (List<Integer> chunk : chunks()) {
                StringBuilder text = new StringBuilder();
                chunk.forEach(c -> text.append('a')
                        .appendCodePoint(c)
                        .append("x \u0600")
                        .appendCodePoint(c)
                        .append("\u0301\u0323 \r")
                        .appendCodePoint(c)
                        .append('\u0e33'));
                compare(tokenizer, expected, text.toString(), chunk);
            }
        }
    }

    private static void compare(Tokenizer tokenizer, NativeTokenizer expected, String text, List<Integer> chunk) {
        Encoding wanted = expected.encode(text);
        assertArrayEquals(
                wanted.getIds(),
                tokenizer.encode(text).ids(),
                () -> "code points from " + Integer.toHexString(chunk.get(0)));
    }

    private static List<List<Integer>> chunks() {
        List<List<Integer>> chunks = new ArrayList<>();
        for (int codePoint = 1; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
            if (Character.getType(codePoint) != Character.SURROGATE
                    && (!isLarge(codePoint) || codePoint % SAMPLE == 0)) {
                if (chunks.isEmpty() || chunks.get(chunks.size() - 1).size() == CHUNK) {
                    chunks.add(new ArrayList<>());
                }
                chunks.get(chunks.size() - 1).add(codePoint);
            }
        }
        return chunks;
    }

    private static boolean isLarge(int codePoint) {
        return codePoint >= 0x3500 && codePoint < 0xA000
                || codePoint >= 0xAD00 && codePoint < 0xF900
                || codePoint >= 0x12000 && codePoint < 0x16100
                || codePoint >= 0x17000 && codePoint < 0x1BC00
                || codePoint >= 0x20000 && codePoint < 0x2F800
                || codePoint >= 0x30000 && codePoint < 0xE0000
                || codePoint >= 0xE0200;
    }
}
