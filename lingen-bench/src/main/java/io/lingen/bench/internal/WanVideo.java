package io.lingen.bench.internal;

import io.lingen.Generation;
import io.lingen.Offload;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.diffusion.SamplingStep;
import io.lingen.vae.FrameStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;

/** A process that makes one video with the pipeline and serves it to {@link PassProcess}, which reads its peak memory. */
final class WanVideo {
    /** As many letters as a long prompt has tokens: the tokenizer of {@link RandomWan} has a token for each letter. */
    private static final String PROMPT = "w".repeat(WanSize.TOKENS - 2);

    private WanVideo() {}

    static VideoRequest request(String size, int frames, int steps, double guidance) {
        PixelSize pixels = PixelSize.parse(size);
        return VideoRequest.builder(PROMPT)
                .size(pixels.width(), pixels.height())
                .frames(frames)
                .steps(steps)
                .guidance(guidance)
                .build();
    }

    static PipelineOptions options(String backend, String precision, int threads, String offload) {
        return PipelineOptions.defaults()
                .withBackend(backend)
                .withPrecision(BenchmarkBackend.precision(precision))
                .withThreads(threads)
                .withOffload(Offload.valueOf(offload.toUpperCase(Locale.ROOT)));
    }

    /**
     * Loads a model and makes a video.
     *
     * @param arguments the model folder, the backend, the precision, the threads, the offload mode, the size, the number of frames, the
     *     steps, the guidance, the number of frames to decode, and the file of the video, which is written if all frames are decoded
     * @throws IOException if the video cannot be written
     */
    public static void main(String[] arguments) throws IOException {
        PipelineOptions options = options(arguments[1], arguments[2], Integer.parseInt(arguments[3]), arguments[4]);
        int frames = Integer.parseInt(arguments[6]);
        VideoRequest request =
                request(arguments[5], frames, Integer.parseInt(arguments[7]), Double.parseDouble(arguments[8]));
        int decoded = Integer.parseInt(arguments[9]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(arguments[0], options)) {
            System.out.println("{\"ready\": true, \"description\": \"" + Machine.runtime() + "\"}");
            if ("run".equals(lines.readLine())) {
                long start = System.nanoTime();
                generate(pipeline, request, decoded < frames ? decoded : 0, Path.of(arguments[10]));
                System.out.println((System.nanoTime() - start) / 1e9);
            }
            // The parent reads the peak memory before it lets the process end.
            lines.readLine();
        }
    }

    private static void generate(TextToVideoPipeline pipeline, VideoRequest request, int decoded, Path video)
            throws IOException {
        long start = System.nanoTime();
        try (Generation generation = pipeline.start(request)) {
            start = report("text", start);
            for (Iterator<SamplingStep> steps = generation.steps(); steps.hasNext(); ) {
                start = report("step " + steps.next().index(), start);
            }
            if (decoded == 0) {
                generation.write(video);
            } else {
                try (FrameStream frames = generation.frames()) {
                    for (int i = 0; i < decoded; i++) {
                        frames.next();
                    }
                }
            }
            report("decoding", start);
        }
    }

    /** Prints the time since a start, and returns the current time. */
    private static long report(String part, long start) {
        long now = System.nanoTime();
        System.err.printf(Locale.ROOT, "%-17s %.1f s%n", part, (now - start) / 1e9);
        return now;
    }
}
