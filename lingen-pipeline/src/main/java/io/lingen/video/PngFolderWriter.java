package io.lingen.video;

import io.lingen.core.internal.PartialFolder;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** A writer of folders with frames {@code 00001.png}, {@code 00002.png} and so on, each of which contains the comment. */
final class PngFolderWriter implements VideoWriter {
    /** The file names of frames. */
    static final Pattern FRAME = Pattern.compile("\\d{5,}\\.png");

    private static final String METADATA = "javax_imageio_png_1.0";

    private final Path target;
    private final PartialFolder folder;
    private final BufferedImage image;
    private final VideoFormat format;
    private final ImageWriter encoder;
    private final IIOMetadata metadata;
    private final ByteArrayOutputStream png = new ByteArrayOutputStream();
    private int count;
    private boolean usable = true;

    PngFolderWriter(Path target, VideoFormat format, String comment) throws IOException {
        this.target = target;
        this.format = format;
        this.image = new BufferedImage(format.width(), format.height(), BufferedImage.TYPE_3BYTE_BGR);
        this.folder = PartialFolder.of(target, FRAME);
        this.encoder = ImageIO.getImageWritersByFormatName("png").next();
        this.metadata = encoder.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(image), null);
        if (!comment.isEmpty()) {
            metadata.mergeTree(METADATA, text(comment));
        }
    }

    private static IIOMetadataNode text(String comment) {
        IIOMetadataNode entry = new IIOMetadataNode("iTXtEntry");
        entry.setAttribute("keyword", PngTag.KEYWORD);
        entry.setAttribute("compressionFlag", "FALSE");
        entry.setAttribute("compressionMethod", "0");
        entry.setAttribute("languageTag", "");
        entry.setAttribute("translatedKeyword", "");
        entry.setAttribute("text", comment);
        IIOMetadataNode texts = new IIOMetadataNode("iTXt");
        texts.appendChild(entry);
        IIOMetadataNode root = new IIOMetadataNode(METADATA);
        root.appendChild(texts);
        return root;
    }

    @Override
    public void write(byte[] rgb) throws IOException {
        draw(format.checked(rgb));
        beginOperation();
        count++;
        try {
            png.reset();
            try (ImageOutputStream stream = new MemoryCacheImageOutputStream(png)) {
                encoder.setOutput(stream);
                encoder.write(new IIOImage(image, null, metadata));
            }
            Files.write(folder.path().resolve(name(count)), png.toByteArray());
        } catch (IOException e) {
            throw VideoWriters.notWritten(target.resolve(name(count)), e);
        }
        usable = true;
    }

    /** Marks the writer unusable until an operation succeeds, so that a failed video can't be finished. */
    private void beginOperation() {
        VideoWriters.requireUsable(usable, target);
        usable = false;
    }

    /** The file name of a frame, counted from 1. */
    static String name(int number) {
        return String.format(Locale.ROOT, "%05d.png", number);
    }

    private void draw(byte[] rgb) {
        byte[] bgr = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
        for (int i = 0; i < rgb.length; i += 3) {
            bgr[i] = rgb[i + 2];
            bgr[i + 1] = rgb[i + 1];
            bgr[i + 2] = rgb[i];
        }
    }

    @Override
    public void finish() throws IOException {
        beginOperation();
        folder.commit();
    }

    @Override
    public void close() {
        usable = false;
        encoder.dispose();
        folder.close();
    }
}
