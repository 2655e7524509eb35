package io.lingen.video;

import static io.lingen.video.Libav.check;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_unref;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_to_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avformat.av_read_frame;
import static org.bytedeco.ffmpeg.global.avformat.avformat_close_input;
import static org.bytedeco.ffmpeg.global.avformat.avformat_find_stream_info;
import static org.bytedeco.ffmpeg.global.avformat.avformat_open_input;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_RANGE_JPEG;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_get;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_q2d;
import static org.bytedeco.ffmpeg.global.swscale.SWS_BICUBIC;
import static org.bytedeco.ffmpeg.global.swscale.sws_freeContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_getCoefficients;
import static org.bytedeco.ffmpeg.global.swscale.sws_getContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_scale;
import static org.bytedeco.ffmpeg.global.swscale.sws_setColorspaceDetails;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVDictionaryEntry;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.swscale.SwsContext;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * A video file read back with libav, as a player reads it.
 *
 * @param fps frames per second that the file names
 * @param comment its comment tag, or null
 * @param colours libav's number of the color matrix that the file names
 * @param frames its frames as RGB, by that matrix
 */
public record Mp4Frames(int width, int height, double fps, String comment, int colours, List<byte[]> frames) {
    public static Mp4Frames read(Path file) throws IOException {
        AVFormatContext container = new AVFormatContext(null);
        check("open " + file, avformat_open_input(container, file.toString(), null, null));
        check("read " + file, avformat_find_stream_info(container, (AVDictionary) null));
        AVStream stream = container.streams(0);
        AVCodec decoder = avcodec_find_decoder(stream.codecpar().codec_id());
        AVCodecContext codec = avcodec_alloc_context3(decoder);
        check("decode", avcodec_parameters_to_context(codec, stream.codecpar()));
        check("decode", avcodec_open2(codec, decoder, (AVDictionary) null));
        List<byte[]> frames = new ArrayList<>();
        AVPacket packet = av_packet_alloc();
        while (av_read_frame(container, packet) >= 0) {
            check("decode", avcodec_send_packet(codec, packet));
            receive(codec, frames);
            av_packet_unref(packet);
        }
        check("decode", avcodec_send_packet(codec, null));
        receive(codec, frames);
        AVDictionaryEntry comment = av_dict_get(container.metadata(), "comment", null, 0);
        Mp4Frames video = new Mp4Frames(
                codec.width(),
                codec.height(),
                av_q2d(stream.avg_frame_rate()),
                comment == null ? null : comment.value().getString(),
                codec.colorspace(),
                frames);
        av_packet_free(packet);
        avcodec_free_context(codec);
        avformat_close_input(container);
        return video;
    }

    private static void receive(AVCodecContext codec, List<byte[]> frames) {
        AVFrame frame = av_frame_alloc();
        while (avcodec_receive_frame(codec, frame) >= 0) {
            frames.add(rgb(frame));
        }
        av_frame_free(frame);
    }

    static byte[] rgb(AVFrame frame) {
        int width = frame.width();
        int height = frame.height();
        byte[] rgb = new byte[3 * width * height];
        SwsContext converter = sws_getContext(
                width, height, frame.format(), width, height, AV_PIX_FMT_RGB24, SWS_BICUBIC, null, null, (DoublePointer)
                        null);
        int[] matrix = new int[4];
        sws_getCoefficients(frame.colorspace()).get(matrix);
        sws_setColorspaceDetails(
                converter, matrix, frame.color_range() == AVCOL_RANGE_JPEG ? 1 : 0, matrix, 1, 0, 1 << 16, 1 << 16);
        // swscale's vector loops may write past the last pixel.
        try (BytePointer pixels = new BytePointer(rgb.length + 64L);
                IntPointer stride = new IntPointer(new int[] {3 * width});
                PointerPointer<BytePointer> planes = new PointerPointer<>(new BytePointer[] {pixels})) {
            sws_scale(converter, frame.data(), frame.linesize(), 0, height, planes, stride);
            pixels.get(rgb);
        } finally {
            sws_freeContext(converter);
        }
        return rgb;
    }
}
