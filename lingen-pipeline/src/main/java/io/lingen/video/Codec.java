package io.lingen.video;

import static org.bytedeco.ffmpeg.global.avutil.AVCOL_PRI_SMPTE170M;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_RANGE_MPEG;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_SPC_SMPTE170M;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_TRC_SMPTE170M;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_BGRA;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_PAL8;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_YUV420P;

import java.util.Map;
import java.util.function.BiConsumer;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;

/**
 * An encoder of libav and its settings. With these settings, equal frames give equal bytes.
 *
 * @param encoder the name of the encoder in libav
 * @param pixelFormat the pixel format that the encoder expects
 * @param filters the filter graph that converts RGB to that format
 * @param settings sets the fields of the codec's context
 * @param options the private options of the encoder
 */
record Codec(
        String encoder,
        int pixelFormat,
        String filters,
        BiConsumer<AVCodecContext, VideoFormat> settings,
        Map<String, String> options) {
    // BT.601, the matrix that players assume for small videos without color tags.
    private static final String YUV_420 =
            "scale=flags=bicubic+accurate_rnd+bitexact:out_color_matrix=smpte170m:out_range=tv,format=yuv420p";

    /**
     * The largest quantizer of H.264. Larger ones show blocks around sharp edges on uniform backgrounds. At 20 or less, pure noise overflows
     * the encoder's buffer.
     */
    private static final int WORST_QUANTISER = 22;

    private static final int BEST_QUANTISER = 8;
    private static final double BITS_PER_PIXEL = 1;

    /** Below the limit of the highest level of H.264, 240 million bits per second. */
    private static final double MAX_BIT_RATE = 200e6;

    /** libopenh264, an H.264 encoder without GPL code. */
    static final Codec H264 = new Codec(
            "libopenh264",
            AV_PIX_FMT_YUV420P,
            YUV_420,
            (context, format) -> {
                tagColours(context);
                context.gop_size(2 * format.fps()).max_b_frames(0);
                double bitRate = BITS_PER_PIXEL * format.width() * format.height() * format.fps();
                context.bit_rate((long) Math.min(bitRate, MAX_BIT_RATE));
                context.qmin(BEST_QUANTISER).qmax(WORST_QUANTISER);
            },
            Map.of("rc_mode", "quality", "allow_skip_frames", "0"));

    /** libvpx at a constant quality. The PSNR equals that of MP4 at half the size. */
    static final Codec VP9 = new Codec(
            "libvpx-vp9",
            AV_PIX_FMT_YUV420P,
            YUV_420,
            (context, format) -> {
                tagColours(context);
                context.gop_size(4 * format.fps()).bit_rate(0);
            },
            Map.of("crf", "14", "deadline", "good", "cpu-used", "4", "row-mt", "0", "tile-columns", "0"));

    /** The animation encoder of libwebp. It keeps the compressed frames until it emits the complete file at the end. */
    static final Codec WEBP =
            new Codec("libwebp_anim", AV_PIX_FMT_BGRA, "format=bgra", (context, format) -> {}, Map.of("quality", "90"));

    /** A palette per frame with error diffusion. Its PSNR is 2.6 dB above that of an ordered dither, whose pattern is visible. */
    static final Codec GIF = new Codec(
            "gif",
            AV_PIX_FMT_PAL8,
            "split[frame][sample];[sample]palettegen=stats_mode=single[palette];"
                    + "[frame][palette]paletteuse=new=1:dither=sierra2_4a",
            (context, format) -> {},
            Map.of());

    private static void tagColours(AVCodecContext context) {
        context.colorspace(AVCOL_SPC_SMPTE170M).color_primaries(AVCOL_PRI_SMPTE170M);
        context.color_trc(AVCOL_TRC_SMPTE170M).color_range(AVCOL_RANGE_MPEG);
    }
}
