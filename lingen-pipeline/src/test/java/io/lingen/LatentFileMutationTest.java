package io.lingen;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.mutation.Mutations;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random damage to latents files: they are read completely or rejected. */
class LatentFileMutationTest {
    private static final long FIXED_BYTES = 1 << 20;

    @TempDir
    private Path folder;

    @Test
    void damagedLatentsAreReadOrRejected() throws Exception {
        Path file = folder.resolve("out.latents.safetensors");
        VideoRequest request = VideoRequest.builder("a ring")
                .size(16, 16)
                .frames(8)
                .fps(8)
                .steps(4)
                .guidance(3)
                .sampler("rectified_flow")
                .schedule("uniform")
                .eta(0)
                .build();
        VideoProvenance provenance = new VideoProvenance("1", "nano", "00", "cpu", "bf16", request, null);
        LatentFile.write(file, HostTensor.of(new float[2 * 3 * 4 * 5], 2, 3, 4, 5), Map.of(), 2, "out.mp4", provenance);
        byte[] good = Files.readAllBytes(file);
        int header = 8 + (good[0] & 0xFF) + ((good[1] & 0xFF) << 8);
        new Mutations("latents", FIXED_BYTES, Set.of(CheckpointException.class), damaged -> {
                    // A new file each time: one that is mapped must not shrink.
                    Files.delete(file);
                    Files.write(file, damaged);
                    LatentFile.read(file).video();
                })
                .run(good, header, 0.5);
    }
}
