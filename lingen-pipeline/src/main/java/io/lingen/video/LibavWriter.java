package io.lingen.video;

import static io.lingen.video.Libav.check;
import static io.lingen.video.Libav.dictionary;
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

import io.lingen.core.internal.PartialFile;
import io.lingen.core.internal.Uninterruptibly;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.jspecify.annotations.Nullable;

/** A writer of files with one video track, by libav. Encodes each frame immediately. Equal frames give equal bytes. */
final class LibavWriter implements VideoWriter {
    /** A function that adds a comment to a complete file, for containers in which libav does not write one. */
    interface Tagger {
        void tag(Path file, VideoFormat format, String comment) throws IOException;
    }

    /**
     * A file format.
     *
     * @param muxer the name of the muxer in libav
     * @param codec the codec of the track
     * @param options the options of the muxer
     * @param tagger adds the comment; null if libav writes it
     */
    record Container(
            String muxer,
            Codec codec,
            Map<String, String> options,
            @Nullable Tagger tagger) {
        /** MP4 with the index at the start, so that browsers play it while downloading. */
        static final Container MP4 = new Container("mp4", Codec.H264, Map.of("movflags", "+faststart"), null);

        /** WebM with the index at the start, so that browsers play it while downloading. */
        static final Container WEBM = new Container("webm", Codec.VP9, Map.of("cues_to_front", "1"), null);

        static final Container WEBP = new Container("webp", Codec.WEBP, Map.of("loop", "0"), WebpTag::append);

        static final Container GIF = new Container("gif", Codec.GIF, Map.of("loop", "0"), GifTag::append);
    }

    private final Path target;
    private final Container kind;
    private final VideoFormat format;
    private final String comment;
    private final FrameEncoder encoder;
    private final PartialFile file;
    private final AVFormatContext container = new AVFormatContext(null);
    private @Nullable AVStream stream;
    private boolean usable = true;
    private boolean closed;

    private LibavWriter(Path target, Container kind, VideoFormat format, String comment, FrameEncoder encoder)
            throws IOException {
        this.target = target;
        this.kind = kind;
        this.format = format;
        this.comment = comment;
        this.encoder = encoder;
        this.file = PartialFile.of(target);
    }

    static LibavWriter open(Path target, Container kind, VideoFormat format, String comment) throws IOException {
        FrameEncoder encoder = new FrameEncoder(kind.codec(), format);
        LibavWriter writer;
        try {
            writer = new LibavWriter(target, kind, format, comment, encoder);
        } catch (IOException | RuntimeException e) {
            encoder.close();
            throw e;
        }
        try {
            writer.open();
            return writer;
        } catch (IOException | RuntimeException e) {
            writer.close();
            throw e;
        }
    }

    private void open() throws IOException {
        String path = file.path().toString();
        checkWrite(avformat_alloc_output_context2(container, null, kind.muxer(), path));
        AVStream track = notNull("the container " + kind.muxer(), avformat_new_stream(container, null));
        checkWrite(avcodec_parameters_from_context(track.codecpar(), encoder.context()));
        track.time_base(encoder.context().time_base());
        track.avg_frame_rate(encoder.context().framerate());
        stream = track;
        container.flags(container.flags() | AVFMT_FLAG_BITEXACT);
        AVIOContext io = new AVIOContext(null);
        checkWrite(avio_open(io, path, AVIO_FLAG_WRITE));
        container.pb(io);
        if (kind.tagger() == null) {
            container.metadata(dictionary(Map.of("comment", comment)));
        }
        AVDictionary options = dictionary(kind.options());
        try {
            checkWrite(avformat_write_header(container, options));
        } finally {
            av_dict_free(options);
        }
    }

    @Override
    public void write(byte[] rgb) throws IOException {
        format.checked(rgb);
        beginOperation();
        encoder.encode(rgb, this::mux);
        usable = true;
    }

    /** Marks the writer unusable until an operation succeeds, so that a failed video can't be finished. */
    private void beginOperation() {
        VideoWriters.requireUsable(usable, target);
        usable = false;
    }

    private void mux(AVPacket packet) throws IOException {
        AVStream track = stream;
        if (track == null) {
            throw new IllegalStateException("the video is not open");
        }
        packet.stream_index(0);
        av_packet_rescale_ts(packet, encoder.context().time_base(), track.time_base());
        checkWrite(av_interleaved_write_frame(container, packet));
        checkWrite(container.pb().error());
    }

    private void checkWrite(int result) throws IOException {
        check("write " + target, result);
    }

    @Override
    public void finish() throws IOException {
        beginOperation();
        encoder.drain(this::mux);
        checkWrite(av_write_trailer(container));
        checkWrite(container.pb().error());
        closeOutput();
        Tagger tagger = kind.tagger();
        if (tagger != null && !comment.isEmpty()) {
            try {
                Uninterruptibly.run(() -> tagger.tag(file.path(), format, comment));
            } catch (IOException e) {
                throw VideoWriters.notWritten(target, e);
            }
        }
        file.commit();
    }

    private void closeOutput() throws IOException {
        AVIOContext io = container.pb();
        if (io != null && !io.isNull()) {
            int result = avio_closep(io);
            container.pb(null);
            checkWrite(result);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        usable = false;
        encoder.close();
        if (!container.isNull()) {
            try {
                closeOutput();
            } catch (IOException e) {
                // Ignore: the incomplete file is deleted below.
            }
            avformat_free_context(container);
        }
        file.close();
    }
}
