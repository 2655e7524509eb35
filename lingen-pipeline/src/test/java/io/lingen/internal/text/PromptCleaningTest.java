package io.lingen.internal.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected texts were computed in Python: ftfy 6.3, html.unescape twice, white space to one space. Misdecoded text differs. */
class PromptCleaningTest {
    @Test
    void plainPromptsAreUnchanged() {
        assertEquals("", clean(""));
        assertEquals("", clean(" \t\r\n\u00a0\u3000"));
        String prompt = "Two cats, 50% \"grey\" & it's 5 < 6 > 3; naïve 猫 🐈\u200d⬛ #1";
        assertEquals(prompt, clean(prompt));
    }

    @Test
    void whiteSpaceBecomesSingleSpaces() {
        assertEquals("a b c d e", clean("\n a \t b\u00a0\u00a0c\u3000d\u2028e\u2003"));
        assertEquals("a b", clean("a\r\n\fb"));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "tom &amp; jerry, tom & jerry",
                "&lt;b&gt;, <b>",
                "&amp;lt;b&amp;gt;, <b>",
                "&quot;hi&quot; &#39;x&#x27; &apos;y&apos;, `\"hi\" 'x' 'y'`",
                "&ldquo;hi&rdquo; it&rsquo;s, `\"hi\" it's`",
                "caf&eacute; &Eacute;t&eacute; &hellip;, café Été …",
                "a&nbsp;&amp;nbsp;b, a b",
                "R&D Q&A &nosuch; &, R&D Q&A &nosuch; &",
                "&ampersand &copy2026 &notit;, &ersand ©2026 ¬it;",
                "&#8364; &#x1F408; &#146;, € 🐈 '",
                "&NotEqualTilde; &fjlig;, `≂̸ fj`",
                "&#0; &#xD800; &#99999999999999999999; &#1;x, � � � x"
            })
    void characterReferencesAreDecodedTwice(String prompt, String expected) {
        assertEquals(expected, clean(prompt));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "‘a’ ‚b‛ “c” „d‟, `'a' 'b' \"c\" \"d\"`",
                "ﬁsh ﬂag oﬀ eﬃcient waﬄe faﬆ ĳs ǆ ŉ, fish flag off efficient waffle fast ijs dž 'n",
                "Ｆｕｌｌ　ｗｉｄｔｈ！ ＂ｑ＂, `Full width! \"q\"`",
                "ﾊﾝｶｸ ｶﾞ, ハンカク ガ",
                "cafe\u0301 A\u030a, café Å"
            })
    void typographicVariantsBecomePlain(String prompt, String expected) {
        assertEquals(expected, clean(prompt));
    }

    @Test
    void controlCharactersAreRemoved() {
        assertEquals("a red ring", clean("\ufeffa\u0000 \u001b[31;1mred\u001b[0m\u0007 ri\u206ang\u007f"));
        assertEquals("wait… it's €5", clean("wait\u0085 it\u0092s \u00805"));
        assertEquals("x\ufffdy", clean("x\ud800y"));
    }

    @Test
    void misdecodedTextIsNotRepaired() {
        assertEquals("cafÃ© schÃ¶n", clean("cafÃ© schÃ¶n"));
    }

    @Test
    void lowerCaseKeepsEverythingElse() {
        assertEquals(
                "\u201ctwo  cats\u201d &amp; i\u0307 ος",
                PromptCleaning.lowerCase("\u3000\n “Two  CATS” &amp; İ ΟΣ \u0085\u00a0"));
        assertEquals("", PromptCleaning.lowerCase(" \t\u2028"));
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.forLanguageTag("tr"));
            assertEquals("title", PromptCleaning.lowerCase("TITLE"));
        } finally {
            Locale.setDefault(before);
        }
    }

    private static String clean(String prompt) {
        String cleaned = PromptCleaning.clean(prompt);

        return cleaned;
    }
}
