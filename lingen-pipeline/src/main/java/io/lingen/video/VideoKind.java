package io.lingen.video;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The kinds of files that a video can become, each with the ending of its name and its limits. */
enum VideoKind {
    // What libopenh264 does: pictures of at least one block of 16x16 and at most 36864, as in the highest level of
    // H.264.
    MP4(".mp4", "MP4 (H.264)", 16, 8192, 1000, true),
    WEBM(".webm", "WebM (VP9)", 2, 16384, 1000, true),
    // Browsers show frames of 10 ms and less as if they were of 100 ms.
    WEBP(".webp", "animated WebP", 1, 16383, 90, false),
    // Delays are hundredths of a second, and browsers take one hundredth for ten.
    GIF(".gif", "animated GIF", 1, 65535, 50, false),
    FRAMES("", "a folder of PNG frames", 1, Integer.MAX_VALUE, Integer.MAX_VALUE, false);

    private static final int MAX_H264_BLOCKS = 36864;
    private static final String OTHERS = "a folder of PNG frames may have any size";

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
     * The kind that a name asks for.
     *
     * @throws IllegalArgumentException if no kind has the name's ending; the message lists them
     */
    static VideoKind of(Path target) {
        Path name = target.getFileName();
        if (name == null || name.toString().matches("|\\.\\.?")) {
            throw new IllegalArgumentException("'" + target + "' names no file; " + known());
        }
        int dot = name.toString().lastIndexOf('.');
        String ending = dot > 0 ? name.toString().substring(dot).toLowerCase(Locale.ROOT) : "";
        for (VideoKind kind : values()) {
            if (kind.ending.equals(ending)) {
                return kind;
            }
        }
        if (ending.equals(".png")) {
            throw new IllegalArgumentException("a video is more than one picture, found '" + target
                    + "'; for PNG frames name a folder, without an ending: '"
                    + name.toString().substring(0, dot) + "'");
        }
        throw new IllegalArgumentException("'" + target + "' ends in no format that is known; " + known());
    }

    private static String known() {
        return "known are "
                + Arrays.stream(values())
                        .map(kind -> kind.ending.isEmpty()
                                ? "or a name without an ending for " + kind.title
                                : kind.ending + " for " + kind.title)
                        .collect(Collectors.joining(", "));
    }

    /**
     * Checks what the kind can't hold.
     *
     * @throws IllegalArgumentException if sides are odd, or sides or frame rate are too large
     */
    void check(VideoFormat format) {
        int width = format.width();
        int height = format.height();
        if (evenSides && (width % 2 != 0 || height % 2 != 0)) {
            throw new IllegalArgumentException(title + " has even sides, found " + width + "x" + height + "; use "
                    + (width & ~1) + "x" + (height & ~1) + " or " + (width + 1 & ~1) + "x" + (height + 1 & ~1)
                    + ", or write .webp, .gif or a folder of PNG frames, which may be odd");
        }
        if (Math.min(width, height) < minSide || Math.max(width, height) > maxSide) {
            throw new IllegalArgumentException(title + " has sides of " + minSide + " to " + maxSide + " pixels, found "
                    + width + "x" + height + "; " + OTHERS);
        }
        if (this == MP4 && (width + 15) / 16 * ((height + 15) / 16) > MAX_H264_BLOCKS) {
            throw new IllegalArgumentException(
                    title + " has pictures of up to 4096x2304 pixels or another shape of that area, found " + width
                            + "x" + height + "; " + OTHERS);
        }
        if (format.fps() > maxFps) {
            throw new IllegalArgumentException(title + " has up to " + maxFps + " frames per second, found "
                    + format.fps() + "; choose a lower rate or .mp4 or .webm");
        }
    }
}
