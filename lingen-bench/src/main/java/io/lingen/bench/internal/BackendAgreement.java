package io.lingen.bench.internal;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.RectifiedFlowSampler;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.Schedule;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.vae.FrameStream;
import io.lingen.vae.LatentVideoDecoder;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The command {@code lingen bench agreement}. It generates a clip from the same noise and text on two backends, and compares the frames. It
 * is part of gpu-check.
 */
@Command(
        name = "agreement",
        mixinStandardHelpOptions = true,
        description =
                "Generate a clip on two backends from the same noise and text, and compare the frames. The exit code is 1 if"
                        + " their PSNR (peak signal-to-noise ratio) is too low.")
public final class BackendAgreement implements Callable<Integer> {
    private static final String NANO = "nano";
    private static final float GUIDANCE = 3;
    private static final long SEED = 7;

    @Option(
            names = "--backends",
            split = ",",
            paramLabel = "NAME",
            defaultValue = "cpu,cuda",
            description = "Two backends, separated by a comma (default: ${DEFAULT-VALUE}).")
    private List<String> backends = List.of();

    @Option(
            names = "--model",
            defaultValue = NANO,
            paramLabel = "DIR|nano",
            description =
                    "Model folder with the subfolders transformer and vae, or nano for the embedded model (default:"
                            + " ${DEFAULT-VALUE}).")
    private String model = "";

    @Option(
            names = "--size",
            paramLabel = "WxH",
            defaultValue = "128x128",
            description = "Width and height in pixels (default: ${DEFAULT-VALUE}).")
    private String size = "";

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "17",
            description = "Length of the clip in seconds (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "50",
            description = "Number of sampling steps (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(
            names = "--eta",
            paramLabel = "E",
            defaultValue = "1",
            description =
                    "Fraction of the noise that each step replaces by new noise, 0 to 1 (default: ${DEFAULT-VALUE}).")
    private double eta;

    @Option(
            names = "--min-psnr",
            paramLabel = "DB",
            defaultValue = "35",
            description = "Smallest accepted PSNR in dB (default: ${DEFAULT-VALUE}).")
    private double minPsnr;

    /** Creates the command. */
    public BackendAgreement() {}

    @Override
    public Integer call() {
        float[][] clips = new float[2][];
        for (int i = 0; i < 2; i++) {
            long start = System.nanoTime();
            try (Backend backend = Backends.create(backends.get(i), BackendOptions.defaults())) {
                clips[i] = frames(backend);
            }
            System.out.printf(Locale.ROOT, "%s: %.1f s%n", backends.get(i), (System.nanoTime() - start) / 1e9);
        }
        double psnr = psnr(clips[0], clips[1]);
        boolean passed = psnr >= minPsnr;
        System.out.printf(
                Locale.ROOT,
                "%s, %d s, %d steps, eta %.2f, BF16, %s and %s: PSNR %.1f dB, minimum %.0f dB, %s%n",
                size,
                seconds,
                steps,
                eta,
                backends.get(0),
                backends.get(1),
                psnr,
                minPsnr,
                passed ? "passed" : "failed");
        return passed ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private float[] frames(Backend backend) {
        try (ModelSource source = model.equals(NANO)
                        ? ModelSource.ofResource(BackendAgreement.class.getClassLoader(), "io/lingen/nano")
                        : ModelSource.of(Path.of(model));
                Denoiser denoiser = VideoTransformer.load(source, "transformer", backend, DType.BF16);
                LatentVideoDecoder decoder = LatentVideoDecoder.load(source, "vae", backend, DType.BF16);
                Workspace workspace = backend.newWorkspace();
                Conditioning prompt = denoiser.condition(List.of(text(1)));
                Conditioning empty = denoiser.condition(List.of(text(2)))) {
            Tensor latent = workspace.allocate(DType.F32, Workload.latent(decoder.config(), size, seconds));
            backend.normal(SEED, latent);
            Sampler sampler =
                    new RectifiedFlowSampler(backend, Schedule.linearQuadratic().times(steps), eta, SEED);
            try (Sampling sampling = sampler.sample(Guidance.of(denoiser, prompt, empty, GUIDANCE), latent)) {
                sampling.forEachRemaining(step -> {});
            }
            return frames(decoder, latent);
        }
    }

    private static float[] frames(LatentVideoDecoder decoder, Tensor latent) {
        try (FrameStream stream = decoder.frames(latent)) {
            float[] all = new float[Math.multiplyExact(stream.frameCount() * 3, stream.width() * stream.height())];
            for (int at = 0; stream.hasNext(); ) {
                float[] frame = stream.nextValues().toFloats();
                System.arraycopy(frame, 0, all, at, frame.length);
                at += frame.length;
            }
            return all;
        }
    }

    private static TextEmbedding text(long seed) {
        Random random = new Random(seed);
        float[] values = new float[Workload.TEXT_TOKENS * Workload.TEXT_WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (0.3 * random.nextGaussian());
        }
        return new TextEmbedding(HostTensor.of(values, Workload.TEXT_TOKENS, Workload.TEXT_WIDTH), null);
    }

    /**
     * Returns the peak signal-to-noise ratio in dB of pixels clamped to [-1, 1], as in a written video. It is infinite if they are equal.
     */
    static double psnr(float[] a, float[] b) {
        double squares = 0;
        for (int i = 0; i < a.length; i++) {
            double difference = clamped(a[i]) - clamped(b[i]);
            squares += difference * difference;
        }
        return 10 * Math.log10(4 * a.length / squares);
    }

    private static double clamped(float value) {
        if (!Float.isFinite(value)) {
            throw new IllegalStateException("pixels must be finite, found " + value);
        }
        return Math.max(-1, Math.min(1, value));
    }
}
