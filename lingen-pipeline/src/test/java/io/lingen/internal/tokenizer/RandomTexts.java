package io.lingen.internal.tokenizer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Texts of all kinds, the same for the same seed: prose, all scripts, emoji, marks, spaces, controls, and the names of special tokens. */
final class RandomTexts {
    private static final String[] PIECES = {
        "[CLS]",
        "[SEP]",
        "[UNK]",
        "[PAD]",
        "[MASK]",
        "<pad>",
        "</s>",
        "<s>",
        "<unk>",
        "<bos>",
        "<eos>",
        "<0x41>",
        "<start_of_turn>",
        "</h1>",
        "\n\n",
        "\n\n\n\n\n\n\n",
        "<|end|>",
        "##ing",
        "▁",
        "▁▁a",
        "<extra>",
        " <extra> ",
        "<word>",
        "a<word>",
        "x <word> y",
        "don't",
        "it's",
        "we'll",
        "I'VE",
        "'s",
        "www.example.com/a?b=c&d",
        "3.14159",
        "1,000,000",
        "٣٤٥",
        "½",
        "Ⅷ",
        "𝟘𝟙",
        "e\u0301",
        "a\u0308\u0323",
        "ＡＢＣ",
        "ｶﾞｷﾞ",
        "ﬁ",
        "ß",
        "İstanbul",
        "ΣΑΣ",
        "ǅ",
        "Å",
        "\u212B",
        "👩‍👩‍👧‍👦",
        "🏳️‍🌈",
        "👍🏽",
        "🇩🇪🇫🇷",
        "🎉",
        "☕️",
        "1️⃣",
        "नमस्ते",
        "क्षत्रिय",
        "ไทยแลนด์",
        "한국어",
        "\u1112\u1161\u11ab",
        "你好，世界",
        "こんにちは",
        "שָׁלוֹם",
        "العَرَبِيَّة",
        "Ελληνικά",
        "Русский",
        "ქართული",
        "አማርኛ",
        "தமிழ்",
        "မြန်မာ",
        "ខ្មែរ",
        "བོད་",
        "ᏣᎳᎩ",
        "\u0000",
        "\u0001",
        "\u007f",
        "\u0085",
        "\u00ad",
        "\u200b",
        "\u200c",
        "\u200d",
        "\u200e",
        "\u202e",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufffd",
        "\ufffc",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\u000b",
        "\f",
        "\u001c",
        "\u00a0",
        "\u1680",
        "\u2003",
        "\u202f",
        "\u205f",
        "\u3000",
        "  ",
        "   ",
        "\ue000",
        "\uf8ff",
        "\udb80\udc00",
        "\u0378",
        "\uffff",
        "\udbff\udfff",
        "…",
        "“quoted”",
        "—",
        "¿",
        "©®™",
        "€",
        "＂",
        "?!?!",
        "...",
    };
    private static final int[] SCRIPTS = {
        0x20, 0xA0, 0x100, 0x250, 0x300, 0x370, 0x400, 0x590, 0x600, 0x700, 0x900, 0x980, 0xB80, 0xE00, 0xF00, 0x1000,
        0x10A0, 0x1100, 0x1200, 0x1780, 0x1800, 0x1AB0, 0x1DC0, 0x1E00, 0x1F00, 0x2000, 0x20A0, 0x2100, 0x2190, 0x2460,
        0x2500, 0x2600, 0x3040, 0x30A0, 0x3130, 0x3200, 0x4E00, 0x9F00, 0xA640, 0xA960, 0xAC00, 0xD780, 0xF900, 0xFB00,
        0xFE00, 0xFE70, 0xFF00, 0xFF60, 0x10000, 0x10780, 0x10A00, 0x11000, 0x11300, 0x11900, 0x16120, 0x16D60, 0x1CC00,
        0x1D100, 0x1D400, 0x1E000, 0x1E900, 0x1F100, 0x1F300, 0x1F600, 0x1F900, 0x1FB00, 0x20000, 0x2F800, 0xE0000,
        0xE0100
    };
    private static final int SCRIPT_LENGTH = 128;

    private final Random random;
    private final List<String> words;

    RandomTexts(long seed) {
        this.random = new Random(seed);
        this.words = List.of(prose().split(" "));
    }

    /** The text of this repository's guides. */
    static String prose() {
        try (Stream<Path> files = Files.walk(Path.of("..", "docs"))) {
            StringBuilder text = new StringBuilder();
            for (Path file : files.filter(path -> path.toString().endsWith(".md"))
                    .sorted()
                    .toList()) {
                text.append(Files.readString(file));
            }
            return text.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<String> take(int count) {
        List<String> texts = new ArrayList<>(List.of("", " ", "a", "\u0301", "[SEP]", "</s>"));
        while (texts.size() < count) {
            texts.add(next());
        }
        return texts;
    }

    private String next() {
        StringBuilder text = new StringBuilder();
        int kind = random.nextInt(6);
        for (int i = random.nextInt(25); i >= 0; i--) {
            append(text, kind == 5 ? random.nextInt(5) : kind);
            text.append(random.nextInt(3) == 0 ? "" : " ");
        }
        return text.toString();
    }

    private void append(StringBuilder text, int kind) {
        switch (kind) {
            case 0 -> text.append(words.get(random.nextInt(words.size())));
            case 1 -> text.append(PIECES[random.nextInt(PIECES.length)]);
            case 2 -> appendScript(text);
            case 3 -> text.appendCodePoint(anyCodePoint());
            default -> appendLongWord(text);
        }
    }

    private void appendScript(StringBuilder text) {
        int script = SCRIPTS[random.nextInt(SCRIPTS.length)];
        for (int i = random.nextInt(8); i >= 0; i--) {
            text.appendCodePoint(script + random.nextInt(SCRIPT_LENGTH));
            if (random.nextInt(4) == 0) {
                text.appendCodePoint(0x300 + random.nextInt(0x70));
            }
        }
    }

    private int anyCodePoint() {
        int codePoint = random.nextInt(random.nextBoolean() ? 0x3000 : 0x110000);
        return Character.getType(codePoint) == Character.SURROGATE ? '?' : codePoint;
    }

    private void appendLongWord(StringBuilder text) {
        String word = words.get(random.nextInt(words.size()));
        text.append(word.repeat(1 + random.nextInt(20)));
    }
}
