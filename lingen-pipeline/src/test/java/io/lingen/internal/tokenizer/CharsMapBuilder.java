package io.lingen.internal.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;

/** Builds precompiled rules as SentencePiece's compiler does: a double array of the keys' bytes, and zero-terminated replacements. */
final class CharsMapBuilder {
    private static final int BLOCK = 256;

    /** A node of the trie before it is packed. */
    private static final class Node {
        private final TreeMap<Integer, Node> children = new TreeMap<>();
        private int value = -1;
    }

    private int[] units = new int[BLOCK];
    private final BitSet used = new BitSet();
    private final BitSet bases = new BitSet();
    private final ByteArrayOutputStream replacements = new ByteArrayOutputStream();

    private CharsMapBuilder() {}

    /** The rules in the file format. */
    static byte[] build(Map<String, String> rules) {
        CharsMapBuilder builder = new CharsMapBuilder();
        Node root = new Node();
        new TreeMap<>(rules).forEach((key, replacement) -> builder.add(root, key, replacement));
        builder.used.set(0);
        builder.units[0] = builder.pack(root, 0);
        return builder.bytes();
    }

    /**
     * Rules in the manner of nmt_nfkc: NFKC of the characters of the basic plane and of letters with one mark; control characters removed,
     * white space and joiners made blanks.
     */
    static Map<String, String> nmtNfkc() {
        Map<String, String> rules = new TreeMap<>();
        for (int codePoint = 1; codePoint < 0x10000; codePoint++) {
            String character = Character.toString(codePoint);
            String composed = Normalizer.normalize(character, Normalizer.Form.NFKC);
            String decomposed = Normalizer.normalize(character, Normalizer.Form.NFD);
            if (Character.isSurrogate((char) codePoint) || codePoint >= 0xAC00 && codePoint < 0xD800) {
                continue;
            }
            if (!composed.equals(character)) {
                rules.put(character, composed);
            }
            if (decomposed.length() == 2 && !composed.equals(decomposed)) {
                rules.put(decomposed, composed);
            }
            if (Character.isISOControl(codePoint)) {
                rules.put(character, "\t\n\f\r".indexOf(codePoint) >= 0 ? " " : "");
            }
        }
        for (int blank : new int[] {0x1680, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD}) {
            rules.put(Character.toString(blank), " ");
        }
        return rules;
    }

    private void add(Node root, String key, String replacement) {
        Node node = root;
        for (byte label : key.getBytes(StandardCharsets.UTF_8)) {
            node = node.children.computeIfAbsent(label & 0xFF, unused -> new Node());
        }
        node.value = replacements.size();
        replacements.writeBytes(replacement.getBytes(StandardCharsets.UTF_8));
        replacements.write(0);
    }

    /** Places a node's children, and returns the offset bits of the unit at {@code position} that leads to them. */
    private int pack(Node node, int position) {
        int base = freeBase(node);
        bases.set(base);
        if (node.value >= 0) {
            used.set(base);
            units[base] = node.value | 1 << 31;
        }
        node.children.keySet().forEach(label -> used.set(base ^ label));
        node.children.forEach((label, child) -> {
            int at = base ^ label;
            int packed = pack(child, at);
            units[at] = packed | label | (child.value >= 0 ? 1 << 8 : 0);
        });
        return (position ^ base) << 10;
    }

    private int freeBase(Node node) {
        for (int base = 1; ; base++) {
            if (base / BLOCK * BLOCK + BLOCK > units.length) {
                units = Arrays.copyOf(units, units.length + BLOCK);
            }
            int candidate = base;
            boolean fits = !bases.get(base)
                    && (node.value < 0 || !used.get(base))
                    && node.children.keySet().stream().noneMatch(label -> used.get(candidate ^ label));
            if (fits) {
                return base;
            }
        }
    }

    private byte[] bytes() {
        ByteBuffer buffer =
                ByteBuffer.allocate(4 + 4 * units.length + replacements.size()).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putInt(4 * units.length);
        for (int unit : units) {
            buffer.putInt(unit);
        }
        return buffer.put(replacements.toByteArray()).array();
    }
}
