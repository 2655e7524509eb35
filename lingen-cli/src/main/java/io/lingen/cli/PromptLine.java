package io.lingen.cli;

import io.lingen.VideoRequest;
import org.jspecify.annotations.Nullable;

/**
 * A request of a batch, or what is wrong with it.
 *
 * @param place where it stands, with a colon, for messages; empty for that of the command line
 * @param request null if it is wrong
 * @param problem empty if it is not
 */
record PromptLine(String place, @Nullable VideoRequest request, String problem) {
    static PromptLine of(String place, VideoRequest request) {
        return new PromptLine(place, request, "");
    }

    static PromptLine wrong(String place, String problem) {
        return new PromptLine(place, null, problem);
    }

    /** The same with a later seed. */
    PromptLine withSeedPlus(int offset) {
        if (request == null || offset == 0) {
            return this;
        }
        long seed = request.seed();
        return seed > Long.MAX_VALUE - offset
                ? wrong(place, "the seeds from " + seed + " on end before " + (offset + 1) + " videos; begin lower")
                : of(place, request.toBuilder().seed(seed + offset).build());
    }
}
