package io.lingen.video;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PngWriterTest {
    @TempDir
    Path folder;

    @Test
    void picturesHoldThePixels() throws IOException {
        Path frames = folder.resolve("frames");
        try (VideoWriter writer = new PngWriter(frames, new VideoFormat(2, 1, 16))) {
            writer.write(new byte[] {1, 2, 3, (byte) 200, (byte) 201, (byte) 202});
            writer.finish();
        }
        BufferedImage image = ImageIO.read(frames.resolve("frame-00000.png").toFile());
        assertEquals(0xFF010203, image.getRGB(0, 0));
        assertEquals(0xFFC8C9CA, image.getRGB(1, 0));
        assertFalse(Files.exists(frames.resolve("frame-00001.png")));
    }
}
