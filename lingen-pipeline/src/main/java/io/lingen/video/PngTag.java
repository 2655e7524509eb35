package io.lingen.video;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads the comment of a PNG: the iTXt chunk with the keyword Comment (PNG specification, 11.3.3.4). */
final class PngTag {
    static final String KEYWORD = "Comment";

    private static final int SIGNATURE_BYTES = 8;
    private static final int CHECKSUM_BYTES = 4;

    private PngTag() {}

    static @Nullable String read(TagSource source) throws IOException {
        source.seek(SIGNATURE_BYTES);
        while (true) {
            long length = source.u32();
            String type = source.fourCc();
            long end = source.position() + length;
            if (type.equals("IEND")) {
                return null;
            }
            if (type.equals("iTXt")) {
                String comment = comment(source.bytes(length));
                if (comment != null) {
                    return comment;
                }
            }
            source.seek(end + CHECKSUM_BYTES);
        }
    }

    /** The text of an iTXt chunk: keyword, 0, compression flag, compression method, language, 0, translated keyword, 0, text. */
    private static @Nullable String comment(byte[] chunk) {
        String text = new String(chunk, StandardCharsets.UTF_8);
        String head = KEYWORD + "\0\0\0";
        if (!text.startsWith(head)) {
            return null;
        }
        int language = text.indexOf('\0', head.length());
        int translated = text.indexOf('\0', language + 1);
        return language < 0 || translated < 0 ? null : text.substring(translated + 1);
    }
}
