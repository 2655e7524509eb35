package io.lingen.video;

import static io.lingen.video.Libav.allocated;
import static io.lingen.video.Libav.check;
import static io.lingen.video.Libav.notNull;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersink_get_frame;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersrc_write_frame;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_get_by_name;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_alloc;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_config;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_create_filter;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_free;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_parse_ptr;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_inout_alloc;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_inout_free;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EAGAIN;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_get_buffer;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_make_writable;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_unref;
import static org.bytedeco.ffmpeg.global.avutil.av_strdup;

import java.io.IOException;
import org.bytedeco.ffmpeg.avfilter.AVFilterContext;
import org.bytedeco.ffmpeg.avfilter.AVFilterGraph;
import org.bytedeco.ffmpeg.avfilter.AVFilterInOut;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.jspecify.annotations.Nullable;

/** A converter of RGB frames to the pixel format of an encoder, by a filter graph of libav. For one thread. */
final class FrameConverter implements AutoCloseable {
    /** A receiver of converted frames. A frame is valid during the call only. */
    interface FrameSink {
        void accept(AVFrame frame) throws IOException;
    }

    private final VideoFormat format;
    private final AVFrame rgb;
    private final AVFrame converted;
    private final AVFilterGraph graph;
    private final AVFilterContext source = new AVFilterContext(null);
    private final AVFilterContext sink = new AVFilterContext(null);
    private long next;

    /**
     * Opens a converter.
     *
     * @param format the size and rate of the frames
     * @param filters the filter graph in the syntax of libav
     */
    FrameConverter(VideoFormat format, String filters) throws IOException {
        this.format = format;
        this.rgb = av_frame_alloc();
        this.converted = av_frame_alloc();
        this.graph = avfilter_graph_alloc();
        try {
            allocated(rgb).width(format.width()).height(format.height()).format(AV_PIX_FMT_RGB24);
            check("allocate a frame of " + format, av_frame_get_buffer(rgb, 0));
            allocated(converted);
            connect(filters);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private void connect(String filters) throws IOException {
        allocated(graph).nb_threads(1);
        String input = "video_size=" + format.width() + "x" + format.height() + ":pix_fmt=" + AV_PIX_FMT_RGB24
                + ":time_base=1/" + format.fps() + ":frame_rate=" + format.fps();
        create(source, "buffer", "in", input);
        create(sink, "buffersink", "out", null);
        AVFilterInOut in = pad("in", source);
        AVFilterInOut out = pad("out", sink);
        try {
            check("convert frames", avfilter_graph_parse_ptr(graph, filters, out, in, null));
            check("convert frames", avfilter_graph_config(graph, null));
        } finally {
            avfilter_inout_free(in);
            avfilter_inout_free(out);
        }
    }

    private void create(AVFilterContext filter, String type, String name, @Nullable String arguments)
            throws IOException {
        check(
                "make the filter " + type,
                avfilter_graph_create_filter(
                        filter,
                        notNull("the filter " + type, avfilter_get_by_name(type)),
                        name,
                        arguments,
                        null,
                        graph));
    }

    private static AVFilterInOut pad(String name, AVFilterContext filter) throws IOException {
        AVFilterInOut pad = allocated(avfilter_inout_alloc());
        return pad.name(av_strdup(new BytePointer(name)))
                .filter_ctx(filter)
                .pad_idx(0)
                .next(null);
    }

    /** Converts a frame. Some filters return it only after the next one. */
    void convert(byte[] pixels, FrameSink next) throws IOException {
        format.checked(pixels);
        check("reuse a frame", av_frame_make_writable(rgb));
        int rowBytes = 3 * format.width();
        BytePointer rows = rgb.data(0);
        for (int y = 0; y < format.height(); y++) {
            rows.position((long) y * rgb.linesize(0)).put(pixels, y * rowBytes, rowBytes);
        }
        rgb.pts(this.next++);
        check("convert a frame", av_buffersrc_write_frame(source, rgb));
        pull(next);
    }

    /** Passes on the frames that are still buffered in the filters. */
    void drain(FrameSink next) throws IOException {
        check("convert a frame", av_buffersrc_write_frame(source, null));
        pull(next);
    }

    private void pull(FrameSink next) throws IOException {
        int result = av_buffersink_get_frame(sink, converted);
        while (result >= 0) {
            try {
                next.accept(converted);
            } finally {
                av_frame_unref(converted);
            }
            result = av_buffersink_get_frame(sink, converted);
        }
        if (result != AVERROR_EAGAIN() && result != AVERROR_EOF()) {
            check("convert a frame", result);
        }
    }

    @Override
    public void close() {
        avfilter_graph_free(graph);
        av_frame_free(rgb);
        av_frame_free(converted);
    }
}
