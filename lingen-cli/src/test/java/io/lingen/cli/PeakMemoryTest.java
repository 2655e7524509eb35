package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.CancellationToken;
import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.MemoryEstimator;
import io.lingen.MemoryForecast;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoPlan;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.internal.PhiloxNormal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The peak resident memory of commands: as forecast, and independent of the length of the clip. */
class PeakMemoryTest {
    private static final double TOLERANCE = 0.15;
    private static final double FLAT = 1.15;
    private static final int STEPS = 2;
    /** The rows and columns of nano's latents for 128x128 pixels. */
    private static final int CELLS = 8;

    private static final long LATENT_BYTES_PER_SECOND = 2L * 16 * CELLS * CELLS * Float.BYTES;
    /** The length of the long clip in seconds; ten minutes in the nightly build. */
    private static final int LONG_SECONDS = Integer.getInteger("lingen.longSeconds", 60);

    private static final long LONG_LIMIT = 2_000_000_000;

    @TempDir
    static Path folder;

    @Test
    void peakMatchesTheForecastAndIsFlatInLength() throws IOException, InterruptedException {
        assertForecast(TextToVideoPipeline.NANO, 128, 2, DType.BF16);
        long quarter = assertForecast(TextToVideoPipeline.NANO, 128, 17, DType.BF16);
        long whole = assertForecast(TextToVideoPipeline.NANO, 128, 68, DType.BF16);
        long latents = 51 * LATENT_BYTES_PER_SECOND;
        assertTrue(whole - latents <= FLAT * quarter, "17 s: " + quarter + ", 68 s: " + whole);
    }

    @Test
    void peakMatchesTheForecastOfOtherSizesModelsAndTypes() throws IOException, InterruptedException {
        assertForecast(TextToVideoPipeline.NANO, 192, 4, DType.F32);
        Path wide = WideModel.write(folder.resolve("wide"), 2, 12);
        assertForecast(wide.toString(), 256, 4, DType.BF16);
    }

    @Test
    void longClipsAreDecodedInFlatMemory() throws IOException, InterruptedException {
        Path report = folder.resolve("long.txt");
        Path video = folder.resolve("long.mp4");
        MeasuredProcess.run(LongClip.class, folder, report, LONG_SECONDS, video);
        long peak = Long.parseLong(Files.readString(report));
        log(LONG_SECONDS + " s decoded in " + peak / 1_000_000 + " MB");
        assertTrue(Files.size(video) > 0);
        assertTrue(peak <= LONG_LIMIT, LONG_SECONDS + " s took " + peak);
    }

    /** Decodes noise of a greater length than the denoiser supports. */
    static final class LongClip {
        private LongClip() {}

        /** @param arguments the report's path, the clip's seconds, the video's path */
        public static void main(String[] arguments) throws IOException {
            int latentFrames = 2 * Integer.parseInt(arguments[1]);
            try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(TextToVideoPipeline.NANO)) {
                VideoPlan plan = pipeline.plan(VideoRequest.of("noise"));
                float[] noise = new float[16 * latentFrames * CELLS * CELLS];
                PhiloxNormal.fill(1, 0, noise, 0, noise.length);
                LatentFile saved = new LatentFile(
                        Path.of("noise"),
                        HostTensor.of(noise, 16, latentFrames, CELLS, CELLS),
                        Map.of(),
                        plan.steps(),
                        "long.mp4",
                        pipeline.provenance(plan));
                try (Generation generation = pipeline.decode(saved, new CancellationToken())) {
                    generation.write(Path.of(arguments[2]));
                }
            }
            Files.writeString(Path.of(arguments[0]), Long.toString(MeasuredProcess.resident("VmHWM")));
        }
    }

    private static void log(String figures) {
        System.getLogger(PeakMemoryTest.class.getName()).log(System.Logger.Level.INFO, figures);
    }

    private static long assertForecast(String model, int side, int seconds, DType precision)
            throws IOException, InterruptedException {
        String type = precision == DType.F32 ? "f32" : "bf16";
        long peak = MeasuredProcess.peakOf(
                folder,
                "generate",
                "a red circle moves to the right",
                "--model",
                model,
                "--backend",
                "cpu",
                "--size",
                side + "x" + side,
                "--seconds",
                seconds,
                "--steps",
                STEPS,
                "--precision",
                type,
                "-q",
                "-o",
                folder.resolve("out.mp4"));
        PipelineOptions options = PipelineOptions.defaults().withBackend("cpu").withPrecision(precision);
        try (MemoryEstimator estimator = MemoryEstimator.of(model, options)) {
            MemoryForecast forecast = estimator.forecast(VideoRequest.builder("a ring")
                    .size(side, side)
                    .seconds(seconds)
                    .build());
            String figures = model + ", " + side + "x" + side + ", " + seconds + " s, " + type + ": peak " + peak
                    + ", forecast " + forecast.peakBytes() + " (" + forecast + ")";
            log(figures);
            assertTrue(Math.abs(forecast.peakBytes() - peak) <= TOLERANCE * peak, figures);
        }
        return peak;
    }
}
