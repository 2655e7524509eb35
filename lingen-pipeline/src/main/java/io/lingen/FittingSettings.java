package io.lingen;

import io.lingen.spi.SizeRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A search for settings that fit in memory: the longest video of the requested size, and the largest video of the requested length.
 *
 * @param planner the planner of the model
 * @param fits whether a video fits; must be true for every video that is smaller or shorter than one that fits
 */
record FittingSettings(RequestPlanner planner, Predicate<VideoPlan> fits) {
    /** The settings near a plan that fit, for messages; empty if none do. */
    List<String> alternatives(VideoPlan plan) {
        List<String> settings = new ArrayList<>();
        int width = plan.format().width();
        int height = plan.format().height();
        SizeRule frames = planner.limits().frames();
        VideoPlan shorter =
                largest(frames.indexOf(plan.frames()), count -> with(plan, width, height, frames.at(count - 1)));
        if (shorter != null) {
            settings.add(String.format(
                    Locale.ROOT,
                    "at most %s s (%d frames) at %dx%d",
                    RequestPlanner.number(shorter.seconds()),
                    shorter.frames(),
                    width,
                    height));
        }
        SizeRule widths = planner.limits().width();
        SizeRule heights = planner.limits().height();
        int columns = widths.indexOf(width) + 1;
        int rows = heights.indexOf(height) + 1;
        int longer = Math.max(columns, rows);
        VideoPlan smaller = largest(
                longer - 1,
                count -> with(
                        plan,
                        widths.at(Math.max(1, Math.round((float) columns * count / longer)) - 1),
                        heights.at(Math.max(1, Math.round((float) rows * count / longer)) - 1),
                        plan.frames()));
        if (smaller != null) {
            settings.add(String.format(
                    Locale.ROOT,
                    "%dx%d for %s s",
                    smaller.format().width(),
                    smaller.format().height(),
                    RequestPlanner.number(smaller.seconds())));
        }
        return List.copyOf(settings);
    }

    /** The last of the plans 1 to {@code most} that fits, by bisection; null if none does. */
    private @Nullable VideoPlan largest(int most, IntFunction<VideoPlan> plans) {
        VideoPlan found = null;
        int from = 1;
        int to = most;
        while (from <= to) {
            int middle = (from + to) >>> 1;
            VideoPlan plan = plans.apply(middle);
            if (fits.test(plan)) {
                found = plan;
                from = middle + 1;
            } else {
                to = middle - 1;
            }
        }
        return found;
    }

    private VideoPlan with(VideoPlan plan, int width, int height, int frames) {
        return planner.plan(plan.request().toBuilder()
                .size(width, height)
                .seconds(null)
                .frames(frames)
                .build());
    }
}
