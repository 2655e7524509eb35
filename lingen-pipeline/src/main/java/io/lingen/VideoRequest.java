package io.lingen;

import io.lingen.core.internal.SafeText;
import io.lingen.spi.SamplingSettings;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request for a video of a prompt, of a class label for models trained on classes, or of neither for unconditional models. Null size, length and sampling fields take the
 * model's defaults. {@link TextToVideoPipeline#plan} rejects sizes, samplers and conditions that the model does not support. Immutable.
 *
 * @param prompt the prompt: at most {@value #MAX_PROMPT} characters of any script, without control characters other than tabs and line
 *     ends; null if the request has a label or no condition. A prompt longer than the limit of the text encoder is truncated with a warning
 * @param label the class label, from 0; null if the request has a prompt or no condition
 * @param negativePrompt a description of content to avoid; empty for none. Must be empty without a prompt, and with guidance 1
 * @param width the width in pixels; null if and only if the height is null
 * @param height the height in pixels; null if and only if the width is null
 * @param seconds the length in seconds; must be null if {@code frames} is given
 * @param frames the length in frames; must be null if {@code seconds} is given
 * @param fps the frame rate of the video in frames per second, 1 to {@value #MAX_FPS}; a rate other than the model's changes the speed of
 *     motion
 * @param steps the number of sampling steps, 1 to {@value #MAX_STEPS}
 * @param guidance the scale of classifier-free guidance, 0 to {@value #MAX_GUIDANCE}; 1 disables it and halves the time
 * @param sampler the name of a sampler of the model, at most {@value #MAX_NAME} characters
 * @param schedule the name of a timestep schedule of the sampler, at most {@value #MAX_NAME} characters
 * @param shift the shift of the sampler's noise levels towards the noise, above 0 and at most {@value #MAX_SHIFT}; 1 leaves them unchanged.
 *     Must be null if {@code times} is given
 * @param times the times of the denoiser, one per step: 1 to {@value #MAX_TIMES} positive numbers in decreasing order. They determine the
 *     number of steps
 * @param eta the fraction of the noise that a step renews, 0 (deterministic) to 1
 * @param seed the seed of the noise; equal requests with equal seeds give equal videos
 */
public record VideoRequest(
        @Nullable String prompt,
        @Nullable Integer label,
        String negativePrompt,
        @Nullable Integer width,
        @Nullable Integer height,
        @Nullable Double seconds,
        @Nullable Integer frames,
        @Nullable Integer fps,
        @Nullable Integer steps,
        @Nullable Double guidance,
        @Nullable String sampler,
        @Nullable String schedule,
        @Nullable Double shift,
        @Nullable List<Double> times,
        @Nullable Double eta,
        long seed) {
    /** The longest prompt in characters. */
    public static final int MAX_PROMPT = 100_000;

    /** The largest number of sampling steps. */
    public static final int MAX_STEPS = SamplingSettings.MAX_STEPS;

    /** The largest guidance scale. */
    public static final int MAX_GUIDANCE = SamplingSettings.MAX_GUIDANCE;

    /** The largest shift. */
    public static final int MAX_SHIFT = SamplingSettings.MAX_SHIFT;

    /** The largest number of times. */
    public static final int MAX_TIMES = SamplingSettings.MAX_TIMES;

    private static final int MAX_FPS = 1000;
    private static final int MAX_NAME = 100;

    /**
     * Checks all components that can be checked without a model.
     *
     * @throws IllegalArgumentException if a component is out of range, or if components exclude each other
     */
    public VideoRequest {
        require(prompt == null || label == null, "request must have either a prompt or a class label, found both");
        require(
                prompt == null || !isEmpty(prompt),
                "prompt must contain visible characters, found none; describe the video");
        require(label == null || label >= 0, "class label must be at least 0, found " + label);
        require(
                label == null || negativePrompt.isEmpty(),
                "negative prompt must be empty with a class label, found one; omit it");
        require(
                prompt != null || label != null || negativePrompt.isEmpty(),
                "negative prompt must be empty without a prompt, found one; omit it");
        requireText("prompt", prompt == null ? "" : prompt);
        requireText("negative prompt", negativePrompt);
        require(
                (width == null) == (height == null),
                "width and height must be given together, found only the " + (width == null ? "height" : "width"));
        require(width == null || width > 0, "width must be a positive number of pixels, found " + width);
        require(height == null || height > 0, "height must be a positive number of pixels, found " + height);
        require(seconds == null || frames == null, "length must be given either in seconds or in frames, found both");
        require(
                seconds == null || seconds > 0 && Double.isFinite(seconds),
                "length must be a positive number of seconds, found " + seconds);
        require(frames == null || frames > 0, "number of frames must be positive, found " + frames);
        require(fps == null || fps > 0 && fps <= MAX_FPS, "fps must be 1 to " + MAX_FPS + ", found " + fps);
        require(
                steps == null || steps > 0 && steps <= MAX_STEPS,
                "number of steps must be 1 to " + MAX_STEPS + ", found " + steps);
        require(
                guidance == null || guidance >= 0 && guidance <= MAX_GUIDANCE,
                "guidance must be 0 to " + MAX_GUIDANCE + ", found " + guidance);
        requireName("sampler", sampler);
        requireName("schedule", schedule);
        require(
                shift == null || shift > 0 && shift <= MAX_SHIFT,
                "shift must be above 0 and at most " + MAX_SHIFT + ", found " + shift);
        if (times != null) {
            times = List.copyOf(times);
            require(
                    areTimes(times),
                    "times must be 1 to " + MAX_TIMES + " positive numbers in decreasing order, found "
                            + SafeText.of(times.toString()));
            require(
                    steps == null || steps == times.size(),
                    "number of steps must be that of the times, " + times.size() + ", found " + steps
                            + "; omit the steps");
            require(shift == null, "shift must be absent with times, found " + shift + "; omit one of them");
        }
        require(eta == null || eta >= 0 && eta <= 1, "eta must be 0 to 1, found " + eta);
    }

    /**
     * {@return a request for a video of a prompt, with the model's defaults}
     *
     * @param prompt the prompt
     * @throws IllegalArgumentException if the prompt has no visible characters, is too long, or contains control characters or unpaired
     *     surrogates
     */
    public static VideoRequest of(String prompt) {
        return builder(prompt).build();
    }

    /**
     * {@return a request for a video of a class label, with the model's defaults}
     *
     * @param label the class label, from 0
     * @throws IllegalArgumentException if the label is negative
     */
    public static VideoRequest ofLabel(int label) {
        return new Builder(null).label(label).build();
    }

    /** {@return a request for a video of an unconditional model, with the model's defaults} */
    public static VideoRequest unconditional() {
        return new Builder(null).build();
    }

    /**
     * {@return a builder of a request for a video of a prompt, with the model's defaults}
     *
     * @param prompt the prompt
     */
    public static Builder builder(String prompt) {
        return new Builder(prompt);
    }

    /** {@return a builder with the components of this request} */
    public Builder toBuilder() {
        Builder builder = new Builder(prompt);
        builder.label = label;
        return builder.negativePrompt(negativePrompt)
                .size(width, height)
                .seconds(seconds)
                .frames(frames)
                .fps(fps)
                .steps(steps)
                .guidance(guidance)
                .sampler(sampler)
                .schedule(schedule)
                .shift(shift)
                .times(times)
                .eta(eta)
                .seed(seed);
    }

    /** {@return the prompt, "class" and the label, or "unconditional", for messages} */
    public String subject() {
        return prompt != null ? prompt : label != null ? "class " + label : "unconditional";
    }

    /** Whether a text has only spaces and invisible characters. */
    private static boolean isEmpty(String text) {
        return text.codePoints()
                .allMatch(codePoint -> Character.isWhitespace(codePoint)
                        || Character.isSpaceChar(codePoint)
                        || Character.getType(codePoint) == Character.FORMAT);
    }

    private static void requireName(String what, @Nullable String name) {
        require(
                name == null || !name.isBlank() && name.length() <= MAX_NAME,
                what + " must be a name of 1 to " + MAX_NAME + " characters, found \""
                        + SafeText.of(String.valueOf(name)) + '"');
    }

    private static boolean areTimes(List<Double> times) {
        double before = Double.POSITIVE_INFINITY;
        for (double time : times) {
            if (!(time > 0 && time < before)) {
                return false;
            }
            before = time;
        }
        return !times.isEmpty() && times.size() <= MAX_TIMES;
    }

    private static void requireText(String what, String text) {
        require(
                text.length() <= MAX_PROMPT,
                what + " must have at most " + MAX_PROMPT + " characters, found " + text.length());
        for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
            int codePoint = text.codePointAt(at);
            boolean control = Character.isISOControl(codePoint) && "\t\n\r".indexOf(codePoint) < 0;
            if (control || Character.getType(codePoint) == Character.SURROGATE) {
                throw new IllegalArgumentException(what + " must be text, found "
                        + (control ? "the control character " : "the unpaired surrogate ") + SafeText.of(codePoint)
                        + " at character " + (at + 1) + "; remove it");
            }
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /** A builder of requests. Each method sets the component of the same name. Null selects the model's default. Not thread-safe. */
    public static final class Builder {
        private @Nullable String prompt;
        private @Nullable Integer label;
        private String negativePrompt = "";
        private @Nullable Integer width;
        private @Nullable Integer height;
        private @Nullable Double seconds;
        private @Nullable Integer frames;
        private @Nullable Integer fps;
        private @Nullable Integer steps;
        private @Nullable Double guidance;
        private @Nullable String sampler;
        private @Nullable String schedule;
        private @Nullable Double shift;
        private @Nullable List<Double> times;
        private @Nullable Double eta;
        private long seed;

        private Builder(@Nullable String prompt) {
            this.prompt = prompt;
        }

        /**
         * Sets the prompt and removes the class label.
         *
         * @param value the prompt
         * @return this builder
         */
        public Builder prompt(String value) {
            prompt = value;
            label = null;
            return this;
        }

        /**
         * Sets the class label and removes the prompt and the negative prompt.
         *
         * @param value the label, from 0
         * @return this builder
         */
        public Builder label(int value) {
            label = value;
            prompt = null;
            negativePrompt = "";
            return this;
        }

        /**
         * Sets the negative prompt.
         *
         * @param value the negative prompt, empty for none
         * @return this builder
         */
        public Builder negativePrompt(String value) {
            negativePrompt = value;
            return this;
        }

        /**
         * Sets the size.
         *
         * @param newWidth the width in pixels, or null together with the height
         * @param newHeight the height in pixels, or null together with the width
         * @return this builder
         */
        public Builder size(@Nullable Integer newWidth, @Nullable Integer newHeight) {
            width = newWidth;
            height = newHeight;
            return this;
        }

        /**
         * Sets the length in seconds.
         *
         * @param value the length, or null
         * @return this builder
         */
        public Builder seconds(@Nullable Double value) {
            seconds = value;
            return this;
        }

        /**
         * Sets the length in seconds.
         *
         * @param value the length
         * @return this builder
         */
        public Builder seconds(double value) {
            return seconds(Double.valueOf(value));
        }

        /**
         * Sets the length in frames.
         *
         * @param value the number of frames, or null
         * @return this builder
         */
        public Builder frames(@Nullable Integer value) {
            frames = value;
            return this;
        }

        /**
         * Sets the frame rate.
         *
         * @param value the frames per second, or null
         * @return this builder
         */
        public Builder fps(@Nullable Integer value) {
            fps = value;
            return this;
        }

        /**
         * Sets the number of sampling steps.
         *
         * @param value the number of steps, or null
         * @return this builder
         */
        public Builder steps(@Nullable Integer value) {
            steps = value;
            return this;
        }

        /**
         * Sets the scale of classifier-free guidance.
         *
         * @param value the scale, or null
         * @return this builder
         */
        public Builder guidance(@Nullable Double value) {
            guidance = value;
            return this;
        }

        /**
         * Sets the scale of classifier-free guidance.
         *
         * @param value the scale
         * @return this builder
         */
        public Builder guidance(double value) {
            return guidance(Double.valueOf(value));
        }

        /**
         * Sets the sampler.
         *
         * @param value the name of the sampler, or null
         * @return this builder
         */
        public Builder sampler(@Nullable String value) {
            sampler = value;
            return this;
        }

        /**
         * Sets the timestep schedule.
         *
         * @param value the name of the schedule, or null
         * @return this builder
         */
        public Builder schedule(@Nullable String value) {
            schedule = value;
            return this;
        }

        /**
         * Sets the shift of the noise levels towards the noise.
         *
         * @param value the shift, or null
         * @return this builder
         */
        public Builder shift(@Nullable Double value) {
            shift = value;
            return this;
        }

        /**
         * Sets the shift of the noise levels towards the noise.
         *
         * @param value the shift
         * @return this builder
         */
        public Builder shift(double value) {
            return shift(Double.valueOf(value));
        }

        /**
         * Sets the times of the denoiser, one per step.
         *
         * @param value the times in decreasing order, or null
         * @return this builder
         */
        public Builder times(@Nullable List<Double> value) {
            times = value;
            return this;
        }

        /**
         * Sets the fraction of the noise that a step renews.
         *
         * @param value the fraction, or null
         * @return this builder
         */
        public Builder eta(@Nullable Double value) {
            eta = value;
            return this;
        }

        /**
         * Sets the fraction of the noise that a step renews.
         *
         * @param value the fraction
         * @return this builder
         */
        public Builder eta(double value) {
            return eta(Double.valueOf(value));
        }

        /**
         * Sets the seed of the noise.
         *
         * @param value the seed
         * @return this builder
         */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /**
         * {@return the request}
         *
         * @throws IllegalArgumentException if a component is out of range, or if components exclude each other
         */
        public VideoRequest build() {
            return new VideoRequest(
                    prompt,
                    label,
                    negativePrompt,
                    width,
                    height,
                    seconds,
                    frames,
                    fps,
                    steps,
                    guidance,
                    sampler,
                    schedule,
                    shift,
                    times,
                    eta,
                    seed);
        }
    }
}
