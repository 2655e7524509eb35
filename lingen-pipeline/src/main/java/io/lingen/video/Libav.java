package io.lingen.video;

import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_FATAL;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;
import static org.bytedeco.ffmpeg.global.avutil.av_strerror;

import java.io.IOException;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** The conventions of libav's C interface: negative results and null pointers are errors. */
final class Libav {
    static {
        // Errors come back as result codes; the library's own lines on the terminal would only repeat them.
        av_log_set_level(AV_LOG_FATAL);
    }

    private Libav() {}

    /** The result, unless it is an error. */
    static int check(String action, int result) throws IOException {
        if (result < 0) {
            byte[] text = new byte[256];
            av_strerror(result, text, text.length);
            int end = 0;
            while (end < text.length && text[end] != 0) {
                end++;
            }
            throw new IOException("could not " + action + ": " + new String(text, 0, end));
        }
        return result;
    }

    /** The pointer, unless it is null. */
    static <P extends Pointer> P notNull(String what, @Nullable P pointer) throws IOException {
        if (pointer == null || pointer.isNull()) {
            throw new IOException(what + " is missing in the ffmpeg build on the class path");
        }
        return pointer;
    }
}
