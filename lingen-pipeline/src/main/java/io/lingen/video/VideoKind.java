package io.lingen.video;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The video file formats, each with its file extension and limits. */
enum VideoKind {
    // The limits of libopenh264: at least one block of 16x16, and at most 36864 blocks, as in the highest level of
    // H.264.
    MP4(".mp4", "MP4 (H.264)", 16, 8192, 1000, true),
    WEBM(".webm", "WebM (VP9)", 2, 16384, 1000, true),
    // Browsers show frames of 10 ms or less for 100 ms.
    WEBP(".webp", "animated WebP", 1, 16383, 90, false),
    // Delays are multiples of 10 ms, and browsers show a frame of 10 ms for 100 ms.
    GIF(".gif", "animated GIF", 1, 65535, 50, false),
    FRAMES("", "a folder of PNG frames", 1, Integer.MAX_VALUE, Integer.MAX_VALUE, false);

    private static final int MAX_H264_BLOCKS = 36864;
    private static final String FOLDER_HINT = "use another size, or write a folder of PNG frames, which has no limit";

    private final String ending;
    private final String title;
    private final int minSide;
    private final int maxSide;
    private final int maxFps;
    private final boolean evenSides;

    VideoKind(String ending, String title, int minSide, int maxSide, int maxFps, boolean evenSides) {
        this.ending = ending;
        this.title = title;
        this.minSide = minSide;
        this.maxSide = maxSide;
        this.maxFps = maxFps;
        this.evenSides = evenSides;
    }

    /**
     * The format that a file name selects.
     *
     * @throws IllegalArgumentException if no format has the extension of the name; the message lists the known ones
     */
    static VideoKind of(Path target) {
        Path name = target.getFileName();
        if (name == null || name.toString().matches("|\\.\\.?")) {
            throw new IllegalArgumentException(
                    "output must name a file or folder, found '" + target + "'; use " + known());
        }
        int dot = name.toString().lastIndexOf('.');
        String ending = dot > 0 ? name.toString().substring(dot).toLowerCase(Locale.ROOT) : "";
        for (VideoKind kind : values()) {
            if (kind.ending.equals(ending)) {
                return kind;
            }
        }
        if (ending.equals(".png")) {
            throw new IllegalArgumentException("output must be a video or a folder, found the picture '" + target
                    + "'; for PNG frames, name a folder without extension: '"
                    + name.toString().substring(0, dot) + "'");
        }
        throw new IllegalArgumentException(
                "output must have a known extension, found '" + target + "'; use " + known());
    }

    private static String known() {
        return Arrays.stream(values())
                .map(kind -> kind.ending.isEmpty()
                        ? "or no extension for " + kind.title
                        : kind.ending + " for " + kind.title)
                .collect(Collectors.joining(", "));
    }

    /**
     * Checks that the format supports a video.
     *
     * @throws IllegalArgumentException if width, height or frame rate are out of range, or odd where they must be even
     */
    void check(VideoFormat format) {
        int width = format.width();
        int height = format.height();
        if (evenSides && (width % 2 != 0 || height % 2 != 0)) {
            throw new IllegalArgumentException("width and height of " + title + " must be even, found " + width + "x"
                    + height + "; use " + (width & ~1) + "x" + (height & ~1) + " or " + (width + 1 & ~1) + "x"
                    + (height + 1 & ~1) + ", or write .webp, .gif or a folder of PNG frames");
        }
        if (Math.min(width, height) < minSide || Math.max(width, height) > maxSide) {
            throw new IllegalArgumentException("width and height of " + title + " must be " + minSide + " to " + maxSide
                    + " pixels, found " + width + "x" + height + "; " + FOLDER_HINT);
        }
        if (this == MP4 && (width + 15) / 16 * ((height + 15) / 16) > MAX_H264_BLOCKS) {
            throw new IllegalArgumentException("area of " + title + " must be at most 4096x2304 pixels, found " + width
                    + "x" + height + "; " + FOLDER_HINT);
        }
        if (format.fps() > maxFps) {
            throw new IllegalArgumentException("frame rate of " + title + " must be at most " + maxFps + " fps, found "
                    + format.fps() + "; use a lower rate, .mp4 or .webm");
        }
    }
}
