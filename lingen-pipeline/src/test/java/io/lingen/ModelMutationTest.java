package io.lingen;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.mutation.Mutations;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamilies;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random damage to one file of a model, its configurations or weights: the model is loaded or rejected. It is loaded on a dry-run backend, so
 * that only the reading allocates memory. The ONNX file of the text encoder is not damaged here, because its library reads it.
 */
class ModelMutationTest {
    private static final long FIXED_BYTES = 32L << 20;

    @TempDir
    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @ParameterizedTest
    @CsvSource({
        "model_index.json, 0.5",
        "transformer/config.json, 0.5",
        "transformer/model.safetensors, 0.1",
        "vae/config.json, 0.5",
        "vae/model.safetensors, 0.1",
        "text_encoder/config.json, 0.5",
        "scheduler/config.json, 0.5"
    })
    void damagedModelsAreLoadedOrRejected(String path, double refusedAtLeast) throws Exception {
        Path file = model.resolve(path);
        byte[] good = Files.readAllBytes(file);
        int focus = path.endsWith(".json") ? good.length : 8 + (good[0] & 0xFF) + ((good[1] & 0xFF) << 8);
        new Mutations(path, FIXED_BYTES, Set.of(CheckpointException.class), damaged -> {
                    // A new file each time: one that is mapped must not shrink.
                    Files.delete(file);
                    Files.write(file, damaged);
                    load();
                })
                .run(good, focus, refusedAtLeast);
    }

    private void load() {
        try (ModelSource source = ModelSource.of(model);
                DryRun dryRun = DryRun.exact()) {
            Backend backend = dryRun.backend();
            ModelDescription description = ModelFamilies.open(source);
            RequestPlanner planner = RequestPlanner.of(source, description);
            description.loadDenoiser(backend, DType.BF16).close();
            description.loadDecoder(backend, DType.BF16).close();
            plan(planner);
        }
    }

    private static void plan(RequestPlanner planner) {
        VideoRequest request = VideoRequest.of("a ring");
        try {
            planner.plan(request);
        } catch (IllegalArgumentException e) {
            // The damaged model makes other sizes, or names none of its own.
            assertTrue(e.getMessage().contains("multiple") || e.getMessage().contains("native size"), e::toString);
        }
    }
}
