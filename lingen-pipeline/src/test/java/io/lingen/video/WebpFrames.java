package io.lingen.video;

import static io.lingen.video.Libav.check;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_WEBP;
import static org.bytedeco.ffmpeg.global.avcodec.av_new_packet;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGBA;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.swscale.SWS_BICUBIC;
import static org.bytedeco.ffmpeg.global.swscale.sws_freeContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_getContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_scale;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

/**
 * An animated WebP read back: libav decodes the pictures in it, and this puts them together by the container's specification.
 *
 * @param loops how often it plays, 0 for ever
 * @param durations of the pictures in milliseconds
 * @param frames the canvas after each picture, as RGB
 */
record WebpFrames(int width, int height, int loops, List<Integer> durations, List<byte[]> frames) {
    static WebpFrames read(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.getInt(4) + 8 != bytes.capacity()) {
            throw new IOException("the file has " + bytes.capacity() + " bytes and says " + (bytes.getInt(4) + 8));
        }
        int width = u24(bytes, 24) + 1;
        int height = u24(bytes, 27) + 1;
        int loops = -1;
        byte[] canvas = new byte[3 * width * height];
        List<Integer> durations = new ArrayList<>();
        List<byte[]> frames = new ArrayList<>();
        for (int at = 12; at < bytes.capacity(); at += 8 + bytes.getInt(at + 4) + (bytes.getInt(at + 4) & 1)) {
            String type = new String(bytes.array(), at, 4, StandardCharsets.US_ASCII);
            if (type.equals("ANIM")) {
                loops = bytes.getShort(at + 12);
            } else if (type.equals("ANMF")) {
                draw(bytes, at + 8, bytes.getInt(at + 4), canvas, width);
                durations.add(u24(bytes, at + 20));
                frames.add(canvas.clone());
            } else if (type.startsWith("VP8 ") || type.equals("VP8L")) {
                byte[] picture = still(bytes, at, 8 + bytes.getInt(at + 4), width, height);
                paint(decode(picture, width, height), width, true, canvas, 0, width);
                frames.add(canvas.clone());
            }
        }
        return new WebpFrames(width, height, loops, durations, frames);
    }

    private static int u24(ByteBuffer bytes, int at) {
        return bytes.getShort(at) & 0xFFFF | (bytes.get(at + 2) & 0xFF) << 16;
    }

    private static void draw(ByteBuffer bytes, int at, int size, byte[] canvas, int canvasWidth) throws IOException {
        int left = 2 * u24(bytes, at);
        int top = 2 * u24(bytes, at + 3);
        int width = u24(bytes, at + 6) + 1;
        int height = u24(bytes, at + 9) + 1;
        int flags = bytes.get(at + 15);
        if ((flags & 1) != 0) {
            throw new IOException("pictures that are cleared afterwards are not expected");
        }
        byte[] rgba = decode(still(bytes, at + 16, size - 16, width, height), width, height);
        paint(rgba, width, (flags & 2) != 0, canvas, top * canvasWidth + left, canvasWidth);
    }

    private static void paint(byte[] rgba, int width, boolean isOpaque, byte[] canvas, int origin, int canvasWidth) {
        for (int i = 0; i < rgba.length / 4; i++) {
            if (isOpaque || rgba[4 * i + 3] != 0) {
                int pixel = origin + i / width * canvasWidth + i % width;
                System.arraycopy(rgba, 4 * i, canvas, 3 * pixel, 3);
            }
        }
    }

    /** A WebP of one picture, with the header that announces transparency. */
    private static byte[] still(ByteBuffer bytes, int at, int size, int width, int height) {
        ByteBuffer still = ByteBuffer.allocate(30 + size).order(ByteOrder.LITTLE_ENDIAN);
        still.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(22 + size);
        still.put("WEBPVP8X".getBytes(StandardCharsets.US_ASCII)).putInt(10).putInt(0x10);
        still.putShort((short) (width - 1))
                .put((byte) 0)
                .putShort((short) (height - 1))
                .put((byte) 0);
        return still.put(bytes.array(), at, size).array();
    }

    private static byte[] decode(byte[] webp, int width, int height) throws IOException {
        AVCodec decoder = avcodec_find_decoder(AV_CODEC_ID_WEBP);
        AVCodecContext codec = avcodec_alloc_context3(decoder);
        AVPacket packet = av_packet_alloc();
        AVFrame frame = av_frame_alloc();
        try {
            check("decode", avcodec_open2(codec, decoder, (AVDictionary) null));
            check("decode", av_new_packet(packet, webp.length));
            packet.data().put(webp);
            check("decode", avcodec_send_packet(codec, packet));
            check("decode", avcodec_receive_frame(codec, frame));
            return rgba(frame, width, height);
        } finally {
            av_frame_free(frame);
            av_packet_free(packet);
            avcodec_free_context(codec);
        }
    }

    private static byte[] rgba(AVFrame frame, int width, int height) {
        byte[] rgba = new byte[4 * width * height];
        SwsContext converter = sws_getContext(
                width, height, frame.format(), width, height, AV_PIX_FMT_RGBA, SWS_BICUBIC, null, null, (DoublePointer)
                        null);
        // swscale's vector loops may write past the last pixel.
        try (BytePointer pixels = new BytePointer(rgba.length + 64L);
                IntPointer stride = new IntPointer(new int[] {4 * width});
                PointerPointer<BytePointer> planes = new PointerPointer<>(new BytePointer[] {pixels})) {
            sws_scale(converter, frame.data(), frame.linesize(), 0, height, planes, stride);
            pixels.get(rgba);
        } finally {
            sws_freeContext(converter);
        }
        return rgba;
    }
}
