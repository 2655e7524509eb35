package io.lingen.video;

import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.mutation.Mutations;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random damage to videos and provenance: they are read or rejected. */
class VideoTagMutationTest {
    private static final long FIXED_BYTES = 8L << 20;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "frames"})
    void damagedVideosAreReadOrRejected(String name) throws Exception {
        Path target = folder.resolve(name);
        String provenance = provenance().toJson();
        try (VideoWriter writer = VideoWriters.open(target, new VideoFormat(16, 16, 8), provenance)) {
            writer.write(new byte[16 * 16 * 3]);
            writer.write(new byte[16 * 16 * 3]);
            writer.finish();
        }
        Path file = Files.isDirectory(target) ? target.resolve("00001.png") : target;
        byte[] good = Files.readAllBytes(file);
        new Mutations(name, FIXED_BYTES, Set.of(IOException.class, CheckpointException.class), damaged -> {
                    Files.write(file, damaged);
                    VideoProvenance.parse(name, VideoWriters.comment(file));
                })
                .run(good, 0.05);
    }

    @Test
    void damagedProvenanceIsReadOrRejected() throws Exception {
        new Mutations(
                        "description",
                        FIXED_BYTES,
                        Set.of(CheckpointException.class),
                        damaged -> VideoProvenance.parse("out.json", new String(damaged, StandardCharsets.UTF_8)))
                .run(provenance().toJson().getBytes(StandardCharsets.UTF_8), 0.3);
    }

    private static VideoProvenance provenance() {
        VideoRequest request = VideoRequest.builder("a red circle \ud83c\udf89")
                .size(16, 16)
                .frames(2)
                .fps(8)
                .steps(4)
                .guidance(3)
                .sampler("rectified_flow")
                .schedule("shifted:2")
                .eta(0)
                .seed(-1)
                .build();
        return new VideoProvenance("1", "nano", "00", "cpu", "bf16", request, "a large red circle");
    }
}
