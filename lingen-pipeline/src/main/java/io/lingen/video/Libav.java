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

/** Checks of results of libav's C functions, in which negative results and null pointers are errors. */
final class Libav {
    static {
        // Silence the library: errors are reported by result codes.
        av_log_set_level(AV_LOG_QUIET);
    }

    private Libav() {}

    /**
     * Returns a result.
     *
     * @param action the action for the message, for example "encode a frame"
     * @throws IOException if the result is an error
     */
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

    /**
     * Returns a pointer to a part of libav.
     *
     * @param what the name of the part, for the message
     * @throws IOException if the pointer is null, because the ffmpeg build lacks the part
     */
    static <P extends Pointer> P notNull(String what, @Nullable P pointer) throws IOException {
        if (pointer == null || pointer.isNull()) {
            throw new IOException("expected " + what + " in the ffmpeg build on the class path, found none");
        }
        return pointer;
    }

    /**
     * Returns a pointer to allocated memory.
     *
     * @throws IOException if the pointer is null, because the allocation failed
     */
    static <P extends Pointer> P allocated(@Nullable P pointer) throws IOException {
        if (pointer == null || pointer.isNull()) {
            throw new IOException("could not allocate native memory to write the video; close other programs");
        }
        return pointer;
    }

    /** Creates a dictionary, to be freed by the caller. */
    static AVDictionary dictionary(Map<String, String> entries) {
        AVDictionary dictionary = new AVDictionary(null);
        entries.forEach((key, value) -> av_dict_set(dictionary, key, value, 0));
        return dictionary;
    }
}
