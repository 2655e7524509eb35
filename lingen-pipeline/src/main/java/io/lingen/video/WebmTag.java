package io.lingen.video;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads the comment of a WebM: the simple tag {@code COMMENT} (RFC 8794 EBML, RFC 9559 Matroska). */
final class WebmTag {
    private static final long SEGMENT = 0x18538067;
    private static final long TAGS = 0x1254C367;
    private static final long TAG = 0x7373;
    private static final long SIMPLE_TAG = 0x67C8;

    /** The nested elements that contain a tag. Each is entered only inside the previous one, which bounds the depth. */
    private static final long[] LEVELS = {SEGMENT, TAGS, TAG, SIMPLE_TAG};

    private static final long TAG_NAME = 0x45A3;
    private static final long TAG_STRING = 0x4487;

    private static final long UNKNOWN_SIZE = -1;

    private final TagSource source;

    private WebmTag(TagSource source) {
        this.source = source;
    }

    static @Nullable String read(TagSource source) throws IOException {
        return new WebmTag(source).find(0, source.size());
    }

    /** Searches the elements of a level up to an end. Enters the element that may contain the comment, and skips all others. */
    private @Nullable String find(int level, long end) throws IOException {
        String name = null;
        String value = null;
        while (source.position() < end) {
            long id = number(false);
            long size = number(true);
            long start = source.position();
            if (size == UNKNOWN_SIZE && id == SEGMENT) {
                size = end - start;
            }
            if (size == UNKNOWN_SIZE) {
                return null; // a live stream, whose elements have no size
            }
            if (size > end - start) {
                throw source.truncated("an element", size, end - start);
            }
            if (level < LEVELS.length && id == LEVELS[level]) {
                String found = find(level + 1, start + size);
                if (found != null) {
                    return found;
                }
            } else if (level == LEVELS.length && id == TAG_NAME) {
                name = new String(source.bytes(size), StandardCharsets.UTF_8);
            } else if (level == LEVELS.length && id == TAG_STRING) {
                value = new String(source.bytes(size), StandardCharsets.UTF_8);
            }
            source.seek(start + size);
        }
        return "COMMENT".equalsIgnoreCase(name) ? value : null;
    }

    /** Reads a number of variable length. Identifiers include the bit that marks their length, sizes do not. */
    private long number(boolean isSize) throws IOException {
        int first = source.u8();
        int bytes = Integer.numberOfLeadingZeros(first) - 23;
        if (bytes > 8) {
            throw source.damaged("a number without a length");
        }
        long value = isSize ? first & (0xFF >> bytes) : first;
        boolean unknown = (first | -1 << (8 - bytes)) == -1;
        for (int i = 1; i < bytes; i++) {
            int next = source.u8();
            unknown &= next == 0xFF;
            value = value << 8 | next;
        }
        return isSize && unknown ? UNKNOWN_SIZE : value;
    }
}
