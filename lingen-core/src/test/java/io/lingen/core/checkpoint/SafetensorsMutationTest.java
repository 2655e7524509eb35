package io.lingen.core.checkpoint;

import io.lingen.core.HostTensor;
import io.lingen.core.mutation.Mutations;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests that damaged safetensors files and indexes are read completely or rejected. */
final class SafetensorsMutationTest {
    private static final Set<Class<? extends Exception>> REFUSALS = Set.of(CheckpointException.class);
    private static final long FIXED_BYTES = 1 << 20;

    @TempDir
    private Path folder;

    @Test
    void damagedFilesAreReadOrRejected() throws Exception {
        byte[] good = Files.readAllBytes(write("good.safetensors"));
        int header = 8 + (good[0] & 0xFF) + ((good[1] & 0xFF) << 8);
        new Mutations("safetensors", FIXED_BYTES, REFUSALS, file -> readAll(SafetensorsBytes.read(file)))
                .run(good, header, 0.5);
    }

    @Test
    void damagedIndexesAreReadOrRejected() throws Exception {
        write("a.safetensors");
        SafetensorsWriter.write(folder.resolve("b.safetensors"), Map.of("b", HostTensor.of(new float[2], 2)), Map.of());
        byte[] good = ("{\"metadata\": {\"total_size\": 72}, \"weight_map\": {\"a.weight\": \"a.safetensors\","
                        + " \"a.bias\": \"a.safetensors\", \"scalar\": \"a.safetensors\", \"b\": \"b.safetensors\"}}")
                .getBytes(StandardCharsets.UTF_8);
        Path index = folder.resolve("model.safetensors.index.json");
        new Mutations("safetensors index", FIXED_BYTES, REFUSALS, file -> {
                    Files.write(index, file);
                    readAll(SafetensorsFile.open(index));
                })
                .run(good, 0.5);
    }

    @Test
    void damagedShardsAreReadOrRejected() throws Exception {
        Path shard = write("a.safetensors");
        byte[] good = Files.readAllBytes(shard);
        Path index = Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"weight_map\": {\"a.weight\": \"a.safetensors\", \"a.bias\": \"a.safetensors\","
                        + " \"scalar\": \"a.safetensors\"}}");
        new Mutations("safetensors shard", FIXED_BYTES, REFUSALS, file -> {
                    // Write a new file each time, since a mapped file must not shrink.
                    Files.delete(shard);
                    Files.write(shard, file);
                    readAll(SafetensorsFile.open(index));
                })
                .run(good, good.length / 2, 0.5);
    }

    private Path write(String name) throws IOException {
        Path file = folder.resolve(name);
        SafetensorsWriter.write(
                file,
                Map.of(
                        "a.weight", HostTensor.of(new float[12], 3, 4),
                        "a.bias", HostTensor.of(new float[3], 3),
                        "scalar", HostTensor.of(new float[1])),
                Map.of("format", "pt"));
        return file;
    }

    private static void readAll(SafetensorsFile file) {
        for (String name : file.names()) {
            file.tensor(name).toFloats();
        }
    }
}
