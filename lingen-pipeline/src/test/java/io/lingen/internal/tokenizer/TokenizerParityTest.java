package io.lingen.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Comparison of token ids with the Rust library on many kinds of texts. */
class TokenizerParityTest {
    private static final int TEXTS = Integer.getInteger("lingen.texts", 10_000);

    static Stream<Arguments> files() {
        return Stream.of(
                Arguments.of("MiniLM", TokenizerFiles.miniLm()),
                Arguments.of("T5", TokenizerFiles.t5()),
                Arguments.of("Gemma", TokenizerFiles.gemma()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("files")
    void tokenIdsEqualThoseOfTheNativeTokenizer(String name, byte[] json) throws IOException {
        compare(json, new RandomTexts(1).take(TEXTS));
    }

    static void compare(byte[] json, List<String> texts) throws IOException {
        Tokenizer tokenizer = TokenizerReader.read("tokenizer.json", json);
        try (NativeTokenizer expected = new NativeTokenizer(json)) {
            for (String text : texts) {
                ai.djl.huggingface.tokenizers.Encoding wanted = expected.encode(text);
                Encoding found = tokenizer.encode(text);
                assertArrayEquals(wanted.getIds(), found.ids(), () -> escaped(text));
                assertArrayEquals(wanted.getTypeIds(), found.typeIds(), () -> escaped(text));
                assertEquals(wanted.getSpecialTokenMask().length, found.length(), () -> escaped(text));
            }
        }
    }

    private static String escaped(String text) {
        StringBuilder escaped = new StringBuilder();
        text.chars()
                .forEach(unit ->
                        escaped.append(unit >= ' ' && unit < 0x7F ? (char) unit : String.format("\\u%04x", unit)));
        return escaped.toString();
    }
}
