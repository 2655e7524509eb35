package io.lingen;

import io.lingen.core.internal.SafeText;
import io.lingen.spi.SamplingSettings;
import org.jspecify.annotations.Nullable;

/**
 * What video to make: of a prompt, or of a class label where a model was trained on classes. What else is null is the model's own choice;
 * sizes, schedules and conditions that the model does not have are refused when the request meets it, see
 * {@link TextToVideoPipeline#plan}. Immutable.
 *
 * @param prompt what the video shows: text of any script, at most {@value #MAX_PROMPT} characters, without control characters other than
 *     tabs and line ends; what an encoder does not read of it is said in a warning. Null if there is a label
 * @param label the class that the video shows, from 0; null if there is a prompt
 * @param negativePrompt what the video should not show, text like the prompt; empty for none, with a label, and with guidance 1
 * @param width in pixels
 * @param height in pixels
 * @param seconds the length; or else {@code frames}
 * @param frames the length in frames; or else {@code seconds}
 * @param fps frames per second of the file: another rate than the model's plays the motion faster or slower
 * @param steps of the sampler, 1 to {@value #MAX_STEPS}
 * @param guidance the scale of classifier-free guidance, 0 to {@value #MAX_GUIDANCE}; 1 is none and takes half the time
 * @param schedule the name of a schedule that the model's sampler knows, at most {@value #MAX_NAME} characters
 * @param eta how much of its noise a step renews, 0 to 1
 * @param seed of the noise: equal seeds and requests give equal videos
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
        @Nullable String schedule,
        @Nullable Double eta,
        long seed) {
    /** The longest prompt in characters, far beyond what any text encoder reads. */
    public static final int MAX_PROMPT = 100_000;

    /** The most steps of a sampler. */
    public static final int MAX_STEPS = SamplingSettings.MAX_STEPS;

    /** The largest scale of guidance. */
    public static final int MAX_GUIDANCE = SamplingSettings.MAX_GUIDANCE;

    private static final int MAX_NAME = 100;

    public VideoRequest {
        require(prompt != null || label != null, "a request has a prompt or a class label, found neither");
        require(prompt == null || label == null, "a request has a prompt or a class label, found both");
        require(prompt == null || !isEmpty(prompt), "the prompt is empty; say what the video shows");
        require(label == null || label >= 0, "the class label must be at least 0, found " + label);
        require(
                label == null || negativePrompt.isEmpty(),
                "a negative prompt goes with a prompt, found one with a class label; leave it out");
        requireText("prompt", prompt == null ? "" : prompt);
        requireText("negative prompt", negativePrompt);
        require((width == null) == (height == null), "width and height come together");
        require(width == null || width > 0, "the width is a positive number of pixels, found " + width);
        require(height == null || height > 0, "the height is a positive number of pixels, found " + height);
        require(seconds == null || frames == null, "the length is given in seconds or in frames, found both");
        require(
                seconds == null || seconds > 0 && Double.isFinite(seconds),
                "the length is a positive number of seconds, found " + seconds);
        require(frames == null || frames > 0, "the length is a positive number of frames, found " + frames);
        require(fps == null || fps > 0 && fps <= 1000, "fps is 1 to 1000, found " + fps);
        require(
                steps == null || steps > 0 && steps <= MAX_STEPS,
                "the number of steps is 1 to " + MAX_STEPS + ", found " + steps);
        require(
                guidance == null || guidance >= 0 && guidance <= MAX_GUIDANCE,
                "the guidance scale is 0 to " + MAX_GUIDANCE + ", found " + guidance);
        require(
                schedule == null || !schedule.isBlank() && schedule.length() <= MAX_NAME,
                "the schedule is a name of at most " + MAX_NAME + " characters, found "
                        + (schedule == null ? "" : schedule.isBlank() ? "none" : SafeText.of(schedule)));
        require(eta == null || eta >= 0 && eta <= 1, "eta is 0 to 1, found " + eta);
    }

    /** The request of a prompt, all else being the model's choice. */
    public static VideoRequest of(String prompt) {
        return builder(prompt).build();
    }

    /** The request of a class, all else being the model's choice. */
    public static VideoRequest ofLabel(int label) {
        return new Builder(null).label(label).build();
    }

    /** Starts from a prompt, all else being the model's choice. */
    public static Builder builder(String prompt) {
        return new Builder(prompt);
    }

    /** Starts from this request. */
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
                .schedule(schedule)
                .eta(eta)
                .seed(seed);
    }

    /** What the video shows, for messages: the prompt, or "class" and the label. */
    public String subject() {
        return prompt == null ? "class " + label : prompt;
    }

    /** Whether there is nothing to be seen: spaces of all kinds and invisible characters only. */
    private static boolean isEmpty(String text) {
        return text.codePoints()
                .allMatch(codePoint -> Character.isWhitespace(codePoint)
                        || Character.isSpaceChar(codePoint)
                        || Character.getType(codePoint) == Character.FORMAT);
    }

    private static void requireText(String what, String text) {
        require(
                text.length() <= MAX_PROMPT,
                "the " + what + " has at most " + MAX_PROMPT + " characters, found " + text.length());
        for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
            int codePoint = text.codePointAt(at);
            boolean control = Character.isISOControl(codePoint) && "\t\n\r".indexOf(codePoint) < 0;
            if (control || Character.getType(codePoint) == Character.SURROGATE) {
                throw new IllegalArgumentException("the " + what + " is text, found "
                        + (control ? "the control character " : "half of a surrogate pair, ") + SafeText.of(codePoint)
                        + ", as its character " + (at + 1) + "; remove it");
            }
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /** Collects the components of a request; each method sets the one of its name. */
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
        private @Nullable String schedule;
        private @Nullable Double eta;
        private long seed;

        private Builder(@Nullable String prompt) {
            this.prompt = prompt;
        }

        /** Takes the place of a label. */
        public Builder prompt(String value) {
            prompt = value;
            label = null;
            return this;
        }

        /** Takes the place of the prompts. */
        public Builder label(int value) {
            label = value;
            prompt = null;
            negativePrompt = "";
            return this;
        }

        public Builder negativePrompt(String value) {
            negativePrompt = value;
            return this;
        }

        /** Width and height in pixels. */
        public Builder size(@Nullable Integer newWidth, @Nullable Integer newHeight) {
            width = newWidth;
            height = newHeight;
            return this;
        }

        public Builder seconds(@Nullable Double value) {
            seconds = value;
            return this;
        }

        public Builder seconds(double value) {
            return seconds(Double.valueOf(value));
        }

        public Builder frames(@Nullable Integer value) {
            frames = value;
            return this;
        }

        public Builder fps(@Nullable Integer value) {
            fps = value;
            return this;
        }

        public Builder steps(@Nullable Integer value) {
            steps = value;
            return this;
        }

        public Builder guidance(@Nullable Double value) {
            guidance = value;
            return this;
        }

        public Builder guidance(double value) {
            return guidance(Double.valueOf(value));
        }

        public Builder schedule(@Nullable String value) {
            schedule = value;
            return this;
        }

        public Builder eta(@Nullable Double value) {
            eta = value;
            return this;
        }

        public Builder eta(double value) {
            return eta(Double.valueOf(value));
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** @throws IllegalArgumentException if a component can't be, whatever the model */
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
                    schedule,
                    eta,
                    seed);
        }
    }
}
