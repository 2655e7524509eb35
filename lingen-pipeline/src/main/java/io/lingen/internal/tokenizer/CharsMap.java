package io.lingen.internal.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Precompiled normalization rules of SentencePiece: a double-array trie (darts-clone) over UTF-8 whose values are offsets of
 * zero-terminated replacements. Layout: the size of the trie in bytes as U32, the units of the trie, the replacements. Reading checks all
 * units that a text can reach.
 *
 * <p>Like the crate spm_precompiled 0.1.4, applies the shortest rule that matches the beginning of a text.
 */
final class CharsMap {
    /** Twenty times the size of the rules nmt_nfkc_cf. */
    private static final int MAX_BYTES = 8 << 20;

    private final int[] units;
    private final byte[] replacements;

    private CharsMap(int[] units, byte[] replacements) {
        this.units = units;
        this.replacements = replacements;
    }

    /**
     * Reads and checks the rules.
     *
     * @throws IllegalArgumentException if they are malformed
     */
    static CharsMap read(byte[] bytes) {
        require(bytes.length >= 8 && bytes.length <= MAX_BYTES, "8 to " + MAX_BYTES + " bytes, found " + bytes.length);
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long trieBytes = Integer.toUnsignedLong(buffer.getInt());
        require(
                trieBytes >= 4 && trieBytes % 4 == 0 && trieBytes <= bytes.length - 4,
                "a trie of whole units within " + bytes.length + " bytes, found " + trieBytes + " bytes");
        int[] units = new int[(int) trieBytes / 4];
        buffer.asIntBuffer().get(units);
        byte[] replacements = new byte[bytes.length - 4 - (int) trieBytes];
        buffer.get(4 + (int) trieBytes, replacements);
        CharsMap map = new CharsMap(units, replacements);
        map.check();
        return map;
    }

    private void check() {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(replacements));
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("must have replacements in UTF-8, found other bytes", e);
        }
        BitSet seen = new BitSet(units.length);
        Deque<Integer> open = new ArrayDeque<>();
        open.add(offset(units[0]));
        while (!open.isEmpty()) {
            int node = open.remove();
            if (!seen.get(node)) {
                seen.set(node);
                checkChildren(node, open);
            }
        }
    }

    private void checkChildren(int node, Deque<Integer> open) {
        for (int label = 1; label < 256; label++) {
            int child = node ^ label;
            // Check all labels, also absent ones: a lookup reads the unit before it knows whether the label is present.
            require(child >= 0 && child < units.length, "a trie within its " + units.length + " units, found " + child);
            if (label(units[child]) == label) {
                int next = child ^ offset(units[child]);
                require(
                        next >= 0 && next < units.length,
                        "a trie within its " + units.length + " units, found " + next);
                if (hasLeaf(units[child])) {
                    int value = units[next] & Integer.MAX_VALUE;
                    require(
                            value < replacements.length && (replacements[value] & 0xC0) != 0x80,
                            "offsets of characters within " + replacements.length + " bytes, found " + value);
                }
                open.add(next);
            }
        }
    }

    private static void require(boolean condition, String rule) {
        if (!condition) {
            throw new IllegalArgumentException("must have " + rule);
        }
    }

    /** The replacement of the shortest rule that matches the beginning of a text, or null. */
    int @Nullable [] replacement(String text) {
        int node = offset(units[0]);
        for (byte label : text.getBytes(StandardCharsets.UTF_8)) {
            if (label == 0) {
                return null;
            }
            int child = node ^ label & 0xFF;
            if (label(units[child]) != (label & 0xFF)) {
                return null;
            }
            node = child ^ offset(units[child]);
            if (hasLeaf(units[child])) {
                return replacementAt(units[node] & Integer.MAX_VALUE);
            }
        }
        return null;
    }

    private int[] replacementAt(int offset) {
        int end = offset;
        while (end < replacements.length && replacements[end] != 0) {
            end++;
        }
        CharBuffer text = StandardCharsets.UTF_8.decode(ByteBuffer.wrap(replacements, offset, end - offset));
        return text.codePoints().toArray();
    }

    private static boolean hasLeaf(int unit) {
        return (unit >> 8 & 1) == 1;
    }

    private static int label(int unit) {
        return unit & (1 << 31 | 0xFF);
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & 1 << 9) >> 6);
    }
}
