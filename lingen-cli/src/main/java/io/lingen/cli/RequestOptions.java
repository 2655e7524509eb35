package io.lingen.cli;

import io.lingen.VideoRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what video to make; those that are not given are null. */
final class RequestOptions {
    @Option(
            names = "--size",
            paramLabel = "WxH",
            converter = Size.Converter.class,
            description = "Width and height in pixels.")
    private @Nullable Size size;

    @Option(names = "--seconds", paramLabel = "S", description = "The length in seconds; or else --frames.")
    private @Nullable Double seconds;

    @Option(names = "--frames", paramLabel = "N", description = "The length in frames; or else --seconds.")
    private @Nullable Integer frames;

    @Option(names = "--fps", paramLabel = "N", description = "Frames per second of the file.")
    private @Nullable Integer fps;

    @Option(names = "--steps", paramLabel = "N", description = "Steps of the sampler.")
    private @Nullable Integer steps;

    @Option(
            names = "--guidance",
            paramLabel = "G",
            description = "How strictly to follow the prompt; 1 takes half the time.")
    private @Nullable Double guidance;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description = "The sampler's times: linear_quadratic, uniform, shifted, shifted:S.")
    private @Nullable String schedule;

    @Option(
            names = "--eta",
            paramLabel = "E",
            description = "How much of its noise a step renews, 0 (Euler's method) to 1.")
    private @Nullable Double eta;

    @Option(names = "--negative", paramLabel = "TEXT", description = "What to lead away from.")
    private @Nullable String negative;

    @Option(names = "--seed", paramLabel = "N", description = "Another seed gives another video (default: 0).")
    private @Nullable Long seed;

    /** Whether a size or a length is given. */
    boolean hasSizeOrLength() {
        return size != null || seconds != null || frames != null;
    }

    /** Sets what is given. */
    VideoRequest.Builder applyTo(VideoRequest.Builder request) {
        if (size != null) {
            request.size(size.width(), size.height());
        }
        if (seconds != null || frames != null) {
            request.seconds(seconds).frames(frames);
        }
        if (fps != null) {
            request.fps(fps);
        }
        if (steps != null) {
            request.steps(steps);
        }
        if (guidance != null) {
            request.guidance(guidance);
        }
        if (schedule != null) {
            request.schedule(schedule);
        }
        if (eta != null) {
            request.eta(eta);
        }
        if (negative != null) {
            request.negativePrompt(negative);
        }
        if (seed != null) {
            request.seed(seed);
        }
        return request;
    }
}
