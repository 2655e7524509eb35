package io.lingen.cli;

import io.lingen.VideoRequest;
import org.jspecify.annotations.Nullable;

/**
 * A request of a batch, or the reason why it is invalid.
 *
 * @param place file and line for messages, with a colon; empty for a prompt on the command line
 * @param request null if the line is invalid
 * @param problem empty if the line is valid
 */
record PromptLine(String place, @Nullable VideoRequest request, String problem) {
    static PromptLine of(String place, VideoRequest request) {
        return new PromptLine(place, request, "");
    }

    static PromptLine invalid(String place, String problem) {
        return new PromptLine(place, null, problem);
    }

    /** This line with {@code offset} added to the seed. */
    PromptLine withSeedPlus(int offset) {
        if (request == null || offset == 0) {
            return this;
        }
        long seed = request.seed();
        return seed > Long.MAX_VALUE - offset
                ? invalid(
                        place,
                        "seed must be at most " + (Long.MAX_VALUE - offset) + " for " + (offset + 1)
                                + " videos with consecutive seeds, found " + seed)
                : of(place, request.toBuilder().seed(seed + offset).build());
    }
}
