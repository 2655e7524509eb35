package io.lingen.cli;

import io.lingen.VideoRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The options for the fields of a request. Fields of absent options are null. */
final class RequestOptions {
    @Option(
            names = "--size",
            paramLabel = "WxH",
            converter = Size.Converter.class,
            description = "Width and height in pixels, for example 128x64 (default: the model's).")
    private @Nullable Size size;

    @ArgGroup
    private @Nullable Length length;

    @Option(
            names = "--fps",
            paramLabel = "N",
            description =
                    "Frame rate in frames per second, 1 to 1000, for GIF up to 50, for WebP up to 90 (default: the model's)."
                            + " Another rate than the model's changes the speed of motion.")
    private @Nullable Integer fps;

    @Option(
            names = "--label",
            paramLabel = "N",
            description =
                    "Class label, at least 0, for models that were trained on classes in place of prompts. Excludes PROMPT"
                            + " and --negative.")
    private @Nullable Integer label;

    @Option(
            names = "--negative",
            paramLabel = "TEXT|@FILE",
            converter = NegativePrompt.class,
            description =
                    "Negative prompt: what the video should not show (default: empty). @FILE reads it from a text file in"
                            + " UTF-8. Needs a guidance other than 1. Excludes --label.")
    private @Nullable String negative;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description =
                    "Seed of the noise, an integer of 64 bits (default: 0). Equal requests with equal seeds give equal"
                            + " videos.")
    private @Nullable Long seed;

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "Number of sampling steps, 1 to 10000 (default: the model's). More steps take longer.")
    private @Nullable Integer steps;

    @Option(
            names = "--guidance",
            paramLabel = "G",
            description =
                    "Scale of classifier-free guidance, 0 to 100: how closely the video follows the prompt (default: the"
                            + " model's). 1 disables guidance and halves the time, 0 ignores the prompt.")
    private @Nullable Double guidance;

    @Option(
            names = "--sampler",
            paramLabel = "NAME",
            description = "Sampling method, one that 'lingen info' lists for the model (default: the first of them).")
    private @Nullable String sampler;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description =
                    "Spacing of the steps between noise and video: uniform, linear_quadratic, or shifted:S with a number S above 0"
                            + " (default: the model's). A larger S takes more steps near the noise; shifted is shifted:3. Only for samplers"
                            + " that have schedules, such as rectified_flow.")
    private @Nullable String schedule;

    @Option(
            names = "--shift",
            paramLabel = "S",
            description =
                    "Shift of the steps towards the noise, above 0 and at most 1000; 1 is no shift (default: the sampler's). Larger"
                            + " videos need a larger shift. Only for samplers without schedules, such as unipc. Excludes --times.")
    private @Nullable Double shift;

    @Option(
            names = "--times",
            paramLabel = "T,T,...",
            converter = Times.Converter.class,
            description =
                    "Times at which the denoiser is evaluated, one per step: decreasing numbers, at most 1000 (noise) and above"
                            + " 0 (video), for example 1000,757,522 (default: the sampler's). For models distilled to few steps, with the sampler dmd or"
                            + " flow_euler. Sets the number of steps. Excludes --shift.")
    private @Nullable Times times;

    @Option(
            names = "--eta",
            paramLabel = "E",
            description =
                    "Fraction of the noise that each step replaces by new noise, 0 (none) to 1 (all) (default: the model's)."
                            + " Only for samplers that renew noise, such as rectified_flow.")
    private @Nullable Double eta;

    /** The length, in one of two units that exclude each other. */
    private static final class Length {
        @Option(names = "--seconds", paramLabel = "S", description = "Length in seconds (default: the model's).")
        private @Nullable Double seconds;

        @Option(names = "--frames", paramLabel = "N", description = "Length in frames. Excludes --seconds.")
        private @Nullable Integer frames;
    }

    boolean isEmpty() {
        return Stream.of(
                        size, length, fps, label, negative, seed, steps, guidance, sampler, schedule, shift, times, eta)
                .allMatch(Objects::isNull);
    }

    /** Returns a warning for each option that has no effect because of another option. */
    List<String> ineffectiveOptions() {
        List<String> problems = new ArrayList<>();
        if (steps != null && steps == 1) {
            if (schedule != null) {
                problems.add("--schedule has no effect with --steps 1: a single step spans all times");
            }
            if (eta != null) {
                problems.add("--eta has no effect with --steps 1: the last step renews no noise");
            }
        }
        if (guidance != null && guidance == 0) {
            problems.add((label == null ? "the prompt" : "--label") + " has no effect with --guidance 0");
        }
        return problems;
    }

    boolean hasLabel() {
        return label != null;
    }

    /** Sets the fields whose options are present. */
    VideoRequest.Builder applyTo(VideoRequest.Builder request) {
        if (label != null) {
            request.label(label);
        }
        if (size != null) {
            request.size(size.width(), size.height());
        }
        if (length != null) {
            request.seconds(length.seconds).frames(length.frames);
        }
        if (fps != null) {
            request.fps(fps);
        }
        if (negative != null) {
            request.negativePrompt(negative);
        }
        if (seed != null) {
            request.seed(seed);
        }
        if (guidance != null) {
            request.guidance(guidance);
        }
        new SamplerChoice(sampler, schedule, shift, times == null ? null : times.values(), steps, eta).applyTo(request);
        return request;
    }
}
