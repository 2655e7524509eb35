package io.lingen.video;

import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads the comment of an MP4: the item {@code ©cmt} of Apple's metadata list, in boxes of ISO/IEC 14496-12. */
final class Mp4Tag {
    private Mp4Tag() {}

    static @Nullable String read(TagSource source) throws IOException {
        long end = source.size();
        for (String name : new String[] {"moov", "udta", "meta", "ilst", "\u00A9cmt", "data"}) {
            end = enter(source, name, end);
            if (end < 0) {
                return null;
            }
            if (name.equals("meta")) {
                source.skip(4); // version and flags
            }
        }
        source.skip(8); // type and locale
        return new String(source.bytes(end - source.position()), StandardCharsets.UTF_8);
    }

    /** Moves to the contents of the first box with a name. Returns the end of the box, or -1 if there is none. */
    private static long enter(TagSource source, String name, long parentEnd) throws IOException {
        while (parentEnd - source.position() >= 8) {
            long start = source.position();
            long size = source.u32();
            String found = source.fourCc();
            if (size == 1) {
                size = source.i64();
            } else if (size == 0) {
                size = parentEnd - start;
            }
            if (size < source.position() - start || size > parentEnd - start) {
                throw source.truncated("a box '" + SafeText.of(found) + "'", size, parentEnd - start);
            }
            if (found.equals(name)) {
                return start + size;
            }
            source.seek(start + size);
        }
        return -1;
    }
}
