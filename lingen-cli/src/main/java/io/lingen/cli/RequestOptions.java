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
            description = "Width and height in pixels.")
    private @Nullable Size size;

    @ArgGroup
    private @Nullable Length length;

    @Option(
            names = "--fps",
            paramLabel = "N",
            description = "Frame rate of the video. A rate other than the model's changes the speed of motion.")
    private @Nullable Integer fps;

    @Option(
            names = "--label",
            paramLabel = "N",
            description = "Class label from 0, in place of a prompt, for models trained on classes.")
    private @Nullable Integer label;

    @Option(names = "--negative", paramLabel = "TEXT", description = "Negative prompt: what the video should not show.")
    private @Nullable String negative;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the noise (default: 0).")
    private @Nullable Long seed;

    @Option(names = "--steps", paramLabel = "N", description = "Number of sampling steps.")
    private @Nullable Integer steps;

    @Option(
            names = "--guidance",
            paramLabel = "G",
            description = "Scale of classifier-free guidance; 1 disables it and halves the time.")
    private @Nullable Double guidance;

    @Option(
            names = "--sampler",
            paramLabel = "NAME",
            description =
                    "Sampler; 'lingen info' lists those of a model. Resets recorded values of schedule, shift, times and eta.")
    private @Nullable String sampler;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description = "Timestep schedule: linear_quadratic, uniform, shifted, or shifted:S with the shift S.")
    private @Nullable String schedule;

    @Option(
            names = "--shift",
            paramLabel = "S",
            description = "Shift of the noise levels towards the noise, for samplers without schedules.")
    private @Nullable Double shift;

    @Option(
            names = "--times",
            paramLabel = "T,T,...",
            converter = Times.Converter.class,
            description =
                    "Times of the denoiser, one per step and separated by commas, for models distilled to few steps; 1000 is pure noise.")
    private @Nullable Times times;

    @Option(
            names = "--eta",
            paramLabel = "E",
            description = "Fraction of the noise that each step renews, 0 (deterministic) to 1.")
    private @Nullable Double eta;

    /** The length, in one of two units that exclude each other. */
    private static final class Length {
        @Option(names = "--seconds", paramLabel = "S", description = "Length in seconds.")
        private @Nullable Double seconds;

        @Option(names = "--frames", paramLabel = "N", description = "Length in frames.")
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
