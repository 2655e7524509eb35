package io.lingen;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.SafeText;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.VideoLimits;
import io.lingen.video.VideoFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Completes requests with a model's defaults, and rejects requests that the model does not support.
 *
 * @param limits the limits and defaults of the model
 * @param requireSampling throws {@link IllegalArgumentException} for settings that the model's sampler does not support
 */
record RequestPlanner(VideoLimits limits, Consumer<SamplingSettings> requireSampling) {
    /**
     * Reads the limits of a model.
     *
     * @throws CheckpointException if a file of the model is missing or malformed
     */
    static RequestPlanner of(ModelSource source, ModelDescription model) {
        MissingFiles missing = model.missingFiles();
        if (!missing.isEmpty()) {
            throw new CheckpointException(
                    source + ": expected a complete model, found no " + missing + "; " + missing.remedy());
        }
        return new RequestPlanner(model.limits(), model::requireSampling);
    }

    /**
     * Plans a request.
     *
     * @throws IllegalArgumentException if the model does not support the request, or if the negative prompt would have no effect
     */
    VideoPlan plan(VideoRequest request) {
        VideoPlan plan = recordedPlan(request);
        if (!plan.isGuided() && !request.negativePrompt().isEmpty()) {
            throw new IllegalArgumentException(
                    "negative prompt must be empty with guidance 1, which does not use it, found \""
                            + SafeText.of(request.negativePrompt()) + "\"; omit it, or use another guidance");
        }
        return plan;
    }

    /** Plans a recorded request. Unlike {@link #plan}, accepts settings without effect, as earlier versions did. */
    VideoPlan recordedPlan(VideoRequest request) {
        requireCondition(request);
        VideoLimits.NativeSize nativeSize = limits.nativeSize();
        int fps = or(request.fps(), limits.fps());
        int width = or(request.width(), nativeSize == null ? null : nativeSize.width(), "size");
        int height = or(request.height(), nativeSize == null ? null : nativeSize.height(), "size");
        requireSize("width", width, limits.width());
        requireSize("height", height, limits.height());
        int frames = frames(request, fps, nativeSize == null ? null : nativeSize.seconds());
        SamplingSettings sampling = sampling(request);
        requireSampling.accept(sampling);
        return new VideoPlan(
                request, new VideoFormat(width, height, fps), frames, limits.latentOf(frames, height, width), sampling);
    }

    private SamplingSettings sampling(VideoRequest request) {
        SamplingSettings defaults = limits.sampling(request.sampler());
        List<Double> times = times(request, defaults);
        return new SamplingSettings(
                defaults.sampler(),
                request.schedule() == null ? defaults.schedule() : request.schedule(),
                request.shift() == null && times.isEmpty() ? defaults.shift() : request.shift(),
                times,
                times.isEmpty() ? or(request.steps(), defaults.steps()) : times.size(),
                or(request.guidance(), defaults.guidance()),
                or(request.eta(), defaults.eta()));
    }

    /** The times of a request. The sampler's default times apply only to its default number of steps, and not together with a shift. */
    private static List<Double> times(VideoRequest request, SamplingSettings defaults) {
        if (request.times() != null) {
            return request.times();
        }
        boolean isDefault = request.shift() == null && or(request.steps(), defaults.steps()) == defaults.steps();
        return isDefault ? defaults.times() : List.of();
    }

    private void requireCondition(VideoRequest request) {
        Integer label = request.label();
        boolean isUnconditional = label == null && request.prompt() == null;
        String found = label != null ? "the class label " + label : isUnconditional ? "neither" : "a prompt";
        if (!limits.prompts() && limits.labels() == 0) {
            if (!isUnconditional) {
                throw new IllegalArgumentException(
                        "request for this model must have neither a prompt nor a class label,"
                                + " since it is unconditional, found " + found + "; omit it");
            }
            return;
        }
        if (label == null && !limits.prompts()) {
            throw new IllegalArgumentException("request for this model must have a class label from 0 to "
                    + (limits.labels() - 1) + ", found " + (isUnconditional ? "none" : found));
        }
        if (isUnconditional || label != null && limits.labels() == 0) {
            throw new IllegalArgumentException("request for this model must have a prompt"
                    + (isUnconditional && limits.labels() > 0 ? " or a class label" : "") + ", found "
                    + (isUnconditional ? "none" : found));
        }
        if (label != null && label >= limits.labels()) {
            throw new IllegalArgumentException(
                    "class label must be 0 to " + (limits.labels() - 1) + ", found " + label);
        }
    }

    private int frames(VideoRequest request, int fps, @Nullable Double nativeSeconds) {
        SizeRule rule = limits.frames();
        Integer frames = request.frames();
        if (frames != null) {
            requireSize("number of frames", frames, rule);
            return frames;
        }
        if (request.seconds() == null && rule.first() == rule.last()) {
            return rule.last(); // the only length, at every frame rate
        }
        double seconds = or(request.seconds(), nativeSeconds, "length");
        double exact = seconds * fps;
        long whole = Math.round(exact);
        // Tolerate rounding: decimal seconds such as 1.1 are not exact in binary.
        if (Math.abs(exact - whole) > 1e-6 * fps || !rule.allows(whole)) {
            int below = rule.below(exact);
            int above = rule.above(exact);
            throw new IllegalArgumentException("number of frames must be " + rule + ", found " + number(exact) + " ("
                    + number(seconds) + " s at " + fps + " fps); use " + secondsOf(below, fps)
                    + (above == below ? "" : " or " + secondsOf(above, fps)));
        }
        return (int) whole;
    }

    private static void requireSize(String what, int found, SizeRule rule) {
        if (!rule.allows(found)) {
            int below = rule.below(found);
            int above = rule.above(found);
            throw new IllegalArgumentException(what + " must be " + rule + ", found " + found + "; use " + below
                    + (above == below ? "" : " or " + above));
        }
    }

    private static <T> T or(@Nullable T asked, T otherwise) {
        return asked == null ? otherwise : asked;
    }

    private static <T> T or(@Nullable T asked, @Nullable T otherwise, String what) {
        if (asked != null) {
            return asked;
        }
        if (otherwise == null) {
            throw new IllegalArgumentException(
                    "request for this model must contain a " + what + ", found none: the model has no default");
        }
        return otherwise;
    }

    private static String secondsOf(long frames, int fps) {
        return number((double) frames / fps) + " s (" + frames + " frames)";
    }

    /** Formats a number with at most six decimals, enough to get the same number of frames from an offered length. */
    static String number(double value) {
        if (value >= 1e9) {
            return String.format(Locale.ROOT, "%.3g", value);
        }
        String text = String.format(Locale.ROOT, "%.6f", value);
        return text.replaceFirst("\\.?0+$", "");
    }
}
