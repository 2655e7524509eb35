package io.lingen.video;

import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_QUIET;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_set;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;
import static org.bytedeco.ffmpeg.global.avutil.av_strerror;

import java.io.IOException;
import java.util.Map;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** The conventions of libav's C interface: negative results and null pointers are errors. */
final class Libav {
    static {
        // Errors come back as result codes; the library's own lines on the terminal would only repeat them.
        av_log_set_level(AV_LOG_QUIET);
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

    /** What was allocated, unless there was no memory for it. */
    static <P extends Pointer> P allocated(@Nullable P pointer) throws IOException {
        if (pointer == null || pointer.isNull()) {
            throw new IOException("no native memory left to write a video");
        }
        return pointer;
    }

    /** A dictionary, to be freed by the caller. */
    static AVDictionary dictionary(Map<String, String> entries) {
        AVDictionary dictionary = new AVDictionary(null);
        entries.forEach((key, value) -> av_dict_set(dictionary, key, value, 0));
        return dictionary;
    }
}
