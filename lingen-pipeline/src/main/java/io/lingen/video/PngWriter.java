package io.lingen.video;

import io.lingen.core.PartialFile;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** Writes frames as pictures {@code frame-00000.png} and so on into a folder. Pictures are whole one by one; the folder fills as they come. */
public final class PngWriter implements VideoWriter {
    private final Path folder;
    private final VideoFormat format;
    private int next;

    /** Creates the folder if it is missing. */
    public PngWriter(Path folder, VideoFormat format) throws IOException {
        this.folder = Files.createDirectories(folder);
        this.format = format;
    }

    @Override
    public void write(byte[] rgb) throws IOException {
        try (PartialFile file = PartialFile.of(folder.resolve(String.format("frame-%05d.png", next)))) {
            ImageIO.write(image(format.checked(rgb)), "png", file.path().toFile());
            file.commit();
        }
        next++;
    }

    private BufferedImage image(byte[] rgb) {
        BufferedImage image = new BufferedImage(format.width(), format.height(), BufferedImage.TYPE_3BYTE_BGR);
        byte[] bgr = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
        for (int i = 0; i < rgb.length; i += 3) {
            bgr[i] = rgb[i + 2];
            bgr[i + 1] = rgb[i + 1];
            bgr[i + 2] = rgb[i];
        }
        return image;
    }

    @Override
    public void finish() {}

    @Override
    public void close() {}
}
