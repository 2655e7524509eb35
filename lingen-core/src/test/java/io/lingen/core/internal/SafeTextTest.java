package io.lingen.core.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SafeTextTest {
    @Test
    void ordinaryTextIsUnchanged() {
        for (String text : new String[] {
            "",
            "a red circle",
            "\u4f60\u597d",
            "\u0645\u0631\u062d\u0628\u0627",
            "e\u0301",
            "\ud83d\udc69\u200d\ud83d\udcbb"
        }) {
            assertEquals(text, SafeText.of(text));
            assertEquals(text, SafeText.endOf(text, 80));
        }
    }

    @Test
    void controlCharactersAreEscaped() {
        assertEquals("\\u0000\\u001b[2J\\u000a\\u0085", SafeText.of("\0\u001b[2J\n\u0085"));
        assertEquals("a\\u202eb\\u2066\\ufeff\\u2028", SafeText.of("a\u202eb\u2066\ufeff\u2028"));
        assertEquals("\\udb40\\udc41", SafeText.of(0xE0041), "an invisible tag letter");
    }

    @Test
    void loneSurrogatesAreEscaped() {
        assertEquals("\\ud83dx\\udf89", SafeText.of("\ud83dx\udf89"));
    }

    @Test
    void longTextIsCutBetweenCodePoints() {
        assertEquals("\ud83c\udf89".repeat(80) + "...", SafeText.of("\ud83c\udf89".repeat(81)));
        assertEquals("ab...", SafeText.of("abc", 2));
        assertEquals("...\ud83c\udf89c", SafeText.endOf("ab\ud83c\udf89c", 2));
    }
}
