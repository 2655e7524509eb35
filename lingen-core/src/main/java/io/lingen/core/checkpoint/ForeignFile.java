package io.lingen.core.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Recognises, by their first bytes, the files that are often found in the place of a checkpoint's. */
public final class ForeignFile {
    /** The bytes of a file's beginning that are looked at. */
    public static final int LOOKED_AT = 64;

    private static final String PICKLE = " (pickles, which can run code when they are read and are never read here). ";

    private ForeignFile() {}

    /**
     * Refuses a file of another kind than the one expected.
     *
     * @param origin the file's name, for the message
     * @param expected what the file should be, for the message
     * @param conversion how a PyTorch checkpoint becomes that
     * @throws CheckpointException saying what the file is and what to do
     */
    public static void refuse(String origin, String expected, String conversion, MemorySegment file) {
        byte[] start = file.asSlice(0, Math.min(file.byteSize(), LOOKED_AT)).toArray(ValueLayout.JAVA_BYTE);
        String found = describe(start, conversion);
        if (found != null) {
            throw new CheckpointException(origin + ": expected " + expected + ", found " + found);
        }
    }

    private static @Nullable String describe(byte[] start, String conversion) {
        String text = new String(start, StandardCharsets.ISO_8859_1);
        if (text.startsWith("version https://git-lfs.")) {
            return "a Git LFS pointer, the text that stands for the file. Get the file itself: git lfs pull";
        }
        if (text.startsWith("PK\3\4")) {
            return "a zip archive, as PyTorch writes them" + PICKLE + conversion;
        }
        if (isPickle(text)) {
            return "a PyTorch checkpoint or another pickle" + PICKLE + conversion;
        }
        if (text.startsWith("GGUF")) {
            return "a GGUF file. Take the model's original weights";
        }
        String lower = text.stripLeading().toLowerCase(Locale.ROOT);
        if (lower.startsWith("<!doctype") || lower.startsWith("<html") || lower.startsWith("<?xml")) {
            return "a web page, as servers send it when a download needs a login. Get the file again";
        }
        return null;
    }

    /** Protocols 2 to 5 begin so; and so does a safetensors file whose header happens to be as long. */
    private static boolean isPickle(String text) {
        return text.length() > 8
                && text.charAt(0) == 0x80
                && text.charAt(1) >= 2
                && text.charAt(1) <= 5
                && text.charAt(8) != '{';
    }
}
