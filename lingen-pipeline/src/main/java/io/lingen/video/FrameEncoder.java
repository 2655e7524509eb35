package io.lingen.video;

import static io.lingen.video.Libav.allocated;
import static io.lingen.video.Libav.check;
import static io.lingen.video.Libav.dictionary;
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
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EAGAIN;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.global.avutil.AV_PICTURE_TYPE_NONE;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_free;
import static org.bytedeco.ffmpeg.global.avutil.av_make_q;

import java.io.IOException;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.jspecify.annotations.Nullable;

/** An encoder of RGB frames with a {@link Codec}. It uses one thread, so that equal frames give equal bytes. For one thread. */
final class FrameEncoder implements AutoCloseable {
    /** A receiver of packets. A packet is valid during the call only. */
    interface PacketSink {
        void accept(AVPacket packet) throws IOException;
    }

    private final FrameConverter converter;
    private final AVCodecContext context;
    private final AVPacket packet;

    FrameEncoder(Codec codec, VideoFormat format) throws IOException {
        AVCodec encoder = notNull("the encoder " + codec.encoder(), avcodec_find_encoder_by_name(codec.encoder()));
        this.converter = new FrameConverter(format, codec.filters());
        this.context = avcodec_alloc_context3(encoder);
        this.packet = av_packet_alloc();
        try {
            allocated(context);
            allocated(packet);
            open(codec, format, encoder);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private void open(Codec codec, VideoFormat format, AVCodec encoder) throws IOException {
        context.width(format.width()).height(format.height()).pix_fmt(codec.pixelFormat());
        context.time_base(av_make_q(1, format.fps())).framerate(av_make_q(format.fps(), 1));
        context.thread_count(1);
        context.flags(context.flags() | AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT);
        codec.settings().accept(context, format);
        AVDictionary options = dictionary(codec.options());
        try {
            check("open the encoder " + codec.encoder() + " for " + format, avcodec_open2(context, encoder, options));
        } finally {
            av_dict_free(options);
        }
    }

    /** The open codec, whose parameters the container records. */
    AVCodecContext context() {
        return context;
    }

    /** Encodes a frame and passes on the packets that are complete. */
    void encode(byte[] rgb, PacketSink sink) throws IOException {
        converter.convert(rgb, frame -> send(frame, sink));
    }

    /** Passes on the packets that are still buffered in the encoder. */
    void drain(PacketSink sink) throws IOException {
        converter.drain(frame -> send(frame, sink));
        send(null, sink);
    }

    private void send(@Nullable AVFrame frame, PacketSink sink) throws IOException {
        if (frame != null) {
            // Clear the type set by a filter: the encoder would treat a key frame as a request.
            frame.pict_type(AV_PICTURE_TYPE_NONE);
        }
        check("encode a frame", avcodec_send_frame(context, frame));
        int result = avcodec_receive_packet(context, packet);
        while (result >= 0) {
            try {
                packet.duration(1);
                sink.accept(packet);
            } finally {
                av_packet_unref(packet);
            }
            result = avcodec_receive_packet(context, packet);
        }
        if (result != AVERROR_EAGAIN() && result != AVERROR_EOF()) {
            check("encode a frame", result);
        }
    }

    @Override
    public void close() {
        avcodec_free_context(context);
        av_packet_free(packet);
        converter.close();
    }
}
