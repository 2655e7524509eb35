package io.lingen.video;

import static io.lingen.video.Libav.check;
import static io.lingen.video.Libav.notNull;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_FLAG_BITEXACT;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_FLAG_GLOBAL_HEADER;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_unref;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_encoder_by_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_packet;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_frame;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_PRI_SMPTE170M;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_RANGE_MPEG;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_SPC_SMPTE170M;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_TRC_SMPTE170M;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EAGAIN;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_YUV420P;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_free;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_set;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_get_buffer;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_make_writable;
import static org.bytedeco.ffmpeg.global.avutil.av_make_q;
import static org.bytedeco.ffmpeg.global.swscale.SWS_ACCURATE_RND;
import static org.bytedeco.ffmpeg.global.swscale.SWS_BICUBIC;
import static org.bytedeco.ffmpeg.global.swscale.SWS_BITEXACT;
import static org.bytedeco.ffmpeg.global.swscale.sws_freeContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_getContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_scale;

import java.io.IOException;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.swscale.SwsContext;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;

/** RGB frames to H.264 packets with libopenh264, the encoder without GPL code. One thread, so that equal frames give equal bytes. */
final class H264Encoder implements AutoCloseable {
    /** Receives packets; a packet is valid during the call only. */
    interface PacketSink {
        void accept(AVPacket packet) throws IOException;
    }

    /** Drawn shapes have sharp edges on even ground: up to this quantiser no blocks show. */
    private static final int WORST_QUANTISER = 18;

    private static final int BEST_QUANTISER = 8;
    private static final double BITS_PER_PIXEL = 1;

    /** swscale's vector loops may read that many bytes past the last pixel. */
    private static final int READ_AHEAD = 64;

    private final VideoFormat format;
    private final AVCodecContext context;
    private final AVFrame frame = av_frame_alloc();
    private final AVPacket packet = av_packet_alloc();
    private final SwsContext converter;
    private final BytePointer rgb;
    private final PointerPointer<BytePointer> rgbPlanes;
    private final IntPointer rgbStrides;
    private long next;

    /**
     * Opens an encoder.
     *
     * @throws IllegalArgumentException if a side is odd, which 4:2:0 colour does not allow
     */
    H264Encoder(VideoFormat format) throws IOException {
        if (format.width() % 2 != 0 || format.height() % 2 != 0) {
            throw new IllegalArgumentException("an H.264 video has even sides, found " + format.width() + "x"
                    + format.height() + "; use " + (format.width() & ~1) + "x" + (format.height() & ~1) + " or "
                    + (format.width() + 1 & ~1) + "x" + (format.height() + 1 & ~1));
        }
        AVCodec codec = notNull("the encoder libopenh264", avcodec_find_encoder_by_name("libopenh264"));
        this.format = format;
        this.context = avcodec_alloc_context3(codec);
        this.rgb = new BytePointer((long) format.frameBytes() + READ_AHEAD);
        this.rgbPlanes = new PointerPointer<>(new BytePointer[] {rgb});
        this.rgbStrides = new IntPointer(new int[] {3 * format.width()});
        this.converter = sws_getContext(
                format.width(),
                format.height(),
                AV_PIX_FMT_RGB24,
                format.width(),
                format.height(),
                AV_PIX_FMT_YUV420P,
                SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT,
                null,
                null,
                (DoublePointer) null);
        try {
            open(codec);
            frame.width(format.width()).height(format.height()).format(AV_PIX_FMT_YUV420P);
            check("allocate a frame", av_frame_get_buffer(frame, 0));
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    private void open(AVCodec codec) throws IOException {
        context.width(format.width()).height(format.height()).pix_fmt(AV_PIX_FMT_YUV420P);
        context.time_base(av_make_q(1, format.fps())).framerate(av_make_q(format.fps(), 1));
        context.gop_size(2 * format.fps()).max_b_frames(0).thread_count(1);
        context.bit_rate((long) (BITS_PER_PIXEL * format.width() * format.height() * format.fps()));
        context.qmin(BEST_QUANTISER).qmax(WORST_QUANTISER);
        // The matrix that swscale converts with, and that players assume of small untagged videos.
        context.colorspace(AVCOL_SPC_SMPTE170M).color_primaries(AVCOL_PRI_SMPTE170M);
        context.color_trc(AVCOL_TRC_SMPTE170M).color_range(AVCOL_RANGE_MPEG);
        context.flags(context.flags() | AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT);
        AVDictionary options = new AVDictionary(null);
        av_dict_set(options, "rc_mode", "quality", 0);
        av_dict_set(options, "allow_skip_frames", "0", 0);
        try {
            check("open the H.264 encoder for " + format, avcodec_open2(context, codec, options));
        } finally {
            av_dict_free(options);
        }
    }

    /** The open codec, whose parameters a container describes. */
    AVCodecContext context() {
        return context;
    }

    /** Encodes a frame; packets come when the encoder has them. */
    void encode(byte[] pixels, PacketSink sink) throws IOException {
        rgb.position(0).put(format.checked(pixels));
        check("reuse a frame", av_frame_make_writable(frame));
        sws_scale(converter, rgbPlanes, rgbStrides, 0, format.height(), frame.data(), frame.linesize());
        frame.pts(next++);
        send(frame, sink);
    }

    /** Passes on what the encoder still holds. */
    void drain(PacketSink sink) throws IOException {
        send(null, sink);
    }

    private void send(@Nullable AVFrame next, PacketSink sink) throws IOException {
        check("encode a frame", avcodec_send_frame(context, next));
        int result = avcodec_receive_packet(context, packet);
        while (result >= 0) {
            packet.duration(1);
            sink.accept(packet);
            av_packet_unref(packet);
            result = avcodec_receive_packet(context, packet);
        }
        if (result != AVERROR_EAGAIN() && result != AVERROR_EOF()) {
            check("encode a frame", result);
        }
    }

    @Override
    public void close() {
        avcodec_free_context(context);
        av_frame_free(frame);
        av_packet_free(packet);
        sws_freeContext(converter);
        rgb.close();
        rgbPlanes.close();
        rgbStrides.close();
    }
}
