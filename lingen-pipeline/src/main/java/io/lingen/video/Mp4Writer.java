package io.lingen.video;

import static io.lingen.video.Libav.check;
import static io.lingen.video.Libav.notNull;
import static org.bytedeco.ffmpeg.avformat.AVFormatContext.AVFMT_FLAG_BITEXACT;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_rescale_ts;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_from_context;
import static org.bytedeco.ffmpeg.global.avformat.AVIO_FLAG_WRITE;
import static org.bytedeco.ffmpeg.global.avformat.av_interleaved_write_frame;
import static org.bytedeco.ffmpeg.global.avformat.av_write_trailer;
import static org.bytedeco.ffmpeg.global.avformat.avformat_alloc_output_context2;
import static org.bytedeco.ffmpeg.global.avformat.avformat_free_context;
import static org.bytedeco.ffmpeg.global.avformat.avformat_new_stream;
import static org.bytedeco.ffmpeg.global.avformat.avformat_write_header;
import static org.bytedeco.ffmpeg.global.avformat.avio_closep;
import static org.bytedeco.ffmpeg.global.avformat.avio_open;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_free;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_set;

import io.lingen.core.PartialFile;
import java.io.IOException;
import java.nio.file.Path;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.jspecify.annotations.Nullable;

/**
 * Writes H.264 in MP4 through libav, encoding frames as they come: its memory does not grow with the video. The same frames give the same
 * bytes. The index stands in front, so that a browser plays the file while it loads.
 */
public final class Mp4Writer implements VideoWriter {
    private final PartialFile file;
    private final H264Encoder encoder;
    private final AVFormatContext container = new AVFormatContext(null);
    private @Nullable AVStream stream;
    private boolean closed;

    private Mp4Writer(PartialFile file, H264Encoder encoder) {
        this.file = file;
        this.encoder = encoder;
    }

    /**
     * Opens a video.
     *
     * @param target the file that will appear
     * @param comment the text of the file's comment tag
     * @throws IllegalArgumentException if width or height is odd, which the format does not allow
     * @throws IOException if the target's folder can't be written to
     */
    public static Mp4Writer open(Path target, VideoFormat format, String comment) throws IOException {
        H264Encoder encoder = new H264Encoder(format);
        PartialFile file;
        try {
            file = PartialFile.of(target);
        } catch (IOException e) {
            encoder.close();
            throw e;
        }
        Mp4Writer writer = new Mp4Writer(file, encoder);
        try {
            writer.open(comment);
            return writer;
        } catch (IOException e) {
            writer.close();
            throw e;
        }
    }

    private void open(String comment) throws IOException {
        String path = file.path().toString();
        check("make an MP4", avformat_alloc_output_context2(container, null, "mp4", path));
        AVStream track = notNull("the MP4 container", avformat_new_stream(container, null));
        check("describe the video", avcodec_parameters_from_context(track.codecpar(), encoder.context()));
        track.time_base(encoder.context().time_base());
        stream = track;
        container.flags(container.flags() | AVFMT_FLAG_BITEXACT);
        AVIOContext io = new AVIOContext(null);
        check("open " + path, avio_open(io, path, AVIO_FLAG_WRITE));
        container.pb(io);
        AVDictionary tags = new AVDictionary(null);
        av_dict_set(tags, "comment", comment, 0);
        container.metadata(tags);
        AVDictionary options = new AVDictionary(null);
        av_dict_set(options, "movflags", "+faststart", 0);
        try {
            check("write the header of " + path, avformat_write_header(container, options));
        } finally {
            av_dict_free(options);
        }
    }

    @Override
    public void write(byte[] rgb) throws IOException {
        encoder.encode(rgb, this::mux);
    }

    private void mux(AVPacket packet) throws IOException {
        AVStream track = stream;
        if (track == null) {
            throw new IllegalStateException("the video is not open");
        }
        packet.stream_index(0);
        av_packet_rescale_ts(packet, encoder.context().time_base(), track.time_base());
        check("write to " + file.path(), av_interleaved_write_frame(container, packet));
        check("write to " + file.path(), container.pb().error());
    }

    @Override
    public void finish() throws IOException {
        encoder.drain(this::mux);
        check("complete " + file.path(), av_write_trailer(container));
        check("complete " + file.path(), container.pb().error());
        closeOutput();
        file.commit();
    }

    private void closeOutput() throws IOException {
        AVIOContext io = container.pb();
        if (io != null && !io.isNull()) {
            int result = avio_closep(io);
            container.pb(null);
            check("complete " + file.path(), result);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        encoder.close();
        if (!container.isNull()) {
            try {
                closeOutput();
            } catch (IOException e) {
                // The file is removed below; what could not be flushed to it does not matter.
            }
            avformat_free_context(container);
        }
        file.close();
    }
}
