package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.accounting.HostMemory;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Rejection of videos that do not fit, and the settings offered instead: they fit, and the next larger ones do not. */
class MemoryEstimatorTest {
    private static final PipelineOptions OPTIONS =
            PipelineOptions.defaults().withBackend("cpu").withThreads(1);
    private static final VideoRequest LARGE =
            VideoRequest.builder("a ring").size(256, 256).seconds(68).build();
    /** The unit of widths and heights of nano. */
    private static final int UNIT = 32;
    /** Disables oneDNN, which packs BF16 weights as F32 on processors without BF16 products. */
    private static final String ONEDNN = "lingen.cpu.onednn";

    private static MemoryEstimator estimator;

    @BeforeAll
    static void open() {
        System.setProperty(ONEDNN, "false");
        estimator = MemoryEstimator.of(TextToVideoPipeline.NANO, OPTIONS);
    }

    @AfterAll
    static void close() {
        estimator.close();
        System.clearProperty(ONEDNN);
    }

    @Test
    void offeredSettingsFitAndTheNextLargerOnesDoNot() {
        long available = estimator.forecast(LARGE).videoBytes() * 9 / 10;
        List<String> settings = estimator.fittingSettings(LARGE, available, MemoryForecast::videoBytes);
        assertEquals(2, settings.size(), settings.toString());

        Matcher shorter = Pattern.compile("at most ([\\d.]+) s \\((\\d+) frames\\) at 256x256")
                .matcher(settings.get(0));
        assertTrue(shorter.matches(), settings.get(0));
        int frames = Integer.parseInt(shorter.group(2));
        assertEquals(frames / 16.0, Double.parseDouble(shorter.group(1)), 1e-3);
        assertTrue(need(256, frames) <= available && need(256, frames + 8) > available, settings.get(0));

        Matcher smaller = Pattern.compile("(\\d+)x(\\d+) for 68 s").matcher(settings.get(1));
        assertTrue(smaller.matches(), settings.get(1));
        int side = Integer.parseInt(smaller.group(1));
        assertEquals(smaller.group(1), smaller.group(2));
        assertTrue(need(side, 1088) <= available && need(side + UNIT, 1088) > available, settings.get(1));
    }

    @Test
    void noSettingsAreOfferedIfNoneFit() {
        assertEquals(List.of(), estimator.fittingSettings(LARGE, 1_000, MemoryForecast::videoBytes));
    }

    @Test
    void forecastsDoNotDependOnEarlierOnes() {
        VideoRequest small = VideoRequest.builder("a ring").seconds(2).build();
        MemoryForecast first = estimator.forecast(small);
        estimator.forecast(LARGE);
        assertEquals(first, estimator.forecast(small));
    }

    @Test
    void forecastsIncludeGuidanceAndPrecision() {
        MemoryForecast guided = estimator.forecast(LARGE);
        MemoryForecast alone = estimator.forecast(VideoRequest.builder("a ring")
                .size(256, 256)
                .seconds(68)
                .guidance(1)
                .build());
        assertTrue(alone.denoising() < guided.denoising());
        // Keys and values of the negative prompt are held until the video is complete.
        assertTrue(alone.decoding() < guided.decoding());
        try (MemoryEstimator f32 = MemoryEstimator.of(TextToVideoPipeline.NANO, OPTIONS.withPrecision(DType.F32))) {
            assertTrue(f32.forecast(LARGE).videoBytes() > guided.videoBytes());
            assertTrue(f32.forecast(LARGE).weights() > guided.weights());
        }
    }

    @Test
    void videosThatDoNotFitAreRejectedBeforeTheyStart() {
        try (TextToVideoPipeline pipeline =
                TextToVideoPipeline.load(TextToVideoPipeline.NANO, OPTIONS.withPrecision(DType.F32))) {
            System.setProperty(HostMemory.PROPERTY, "120m");
            OutOfMemoryException refused = assertThrows(OutOfMemoryException.class, () -> pipeline.start(LARGE));
            assertTrue(
                    refused.getMessage()
                            .matches(
                                    "this video needs about 0\\.\\d\\d GB of memory, found 0\\.13 GB available to backend cpu; "
                                            + "use at most [\\d.]+ s \\(\\d+ frames\\) at 256x256, or \\d+x\\d+ for 68 s"),
                    refused.getMessage());
            System.setProperty(HostMemory.PROPERTY, "180m");
            refused = assertThrows(OutOfMemoryException.class, () -> pipeline.start(LARGE));
            assertTrue(refused.getMessage().endsWith(", or precision bf16"), refused.getMessage());
        } finally {
            System.clearProperty(HostMemory.PROPERTY);
        }
    }

    @Test
    void modelsThatDoNotFitAreRejectedBeforeLoading() {
        System.setProperty(HostMemory.PROPERTY, "100m");
        try {
            assertRefused("0.21 GB", Offload.NONE);
            assertRefused("0.18 GB", Offload.AUTO);
            assertRefused("0.18 GB", Offload.PARTS);
        } finally {
            System.clearProperty(HostMemory.PROPERTY);
        }
    }

    private static void assertRefused(String need, Offload offload) {
        OutOfMemoryException refused = assertThrows(
                OutOfMemoryException.class,
                () -> TextToVideoPipeline.load(TextToVideoPipeline.NANO, OPTIONS.withOffload(offload)));
        assertTrue(refused.getMessage().startsWith("the model nano needs about " + need), refused.getMessage());
        assertTrue(refused.getMessage().contains("close other programs"), refused.getMessage());
    }

    private static long need(int side, int frames) {
        return estimator
                .forecast(VideoRequest.builder("a ring")
                        .size(side, side)
                        .frames(frames)
                        .build())
                .videoBytes();
    }
}
