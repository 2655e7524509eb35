package io.lingen.internal;

import io.lingen.VideoPlan;
import io.lingen.VideoRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a video that does not fit could be instead: as long as possible at its size, as large as possible at its length.
 *
 * @param fits whether a video fits; what is smaller or shorter than one that does, does too
 */
public record FittingSettings(ModelLimits limits, Predicate<VideoPlan> fits) {
    /** The settings, for people; none if nothing fits. */
    public List<String> near(VideoPlan plan) {
        List<String> settings = new ArrayList<>();
        VideoPlan shorter = largest(
                plan.frames() / unitT() - 1,
                units -> with(plan, plan.format().width(), plan.format().height(), units * unitT()));
        if (shorter != null) {
            settings.add(String.format(
                    Locale.ROOT,
                    "at most %s s (%d frames) at %dx%d",
                    seconds(shorter),
                    shorter.frames(),
                    shorter.format().width(),
                    shorter.format().height()));
        }
        int columns = plan.format().width() / unitW();
        int rows = plan.format().height() / unitH();
        int longer = Math.max(columns, rows);
        VideoPlan smaller = largest(
                longer - 1,
                units -> with(
                        plan,
                        Math.max(1, Math.round((float) columns * units / longer)) * unitW(),
                        Math.max(1, Math.round((float) rows * units / longer)) * unitH(),
                        plan.frames()));
        if (smaller != null) {
            settings.add(String.format(
                    Locale.ROOT,
                    "%dx%d for %s s",
                    smaller.format().width(),
                    smaller.format().height(),
                    seconds(smaller)));
        }
        return List.copyOf(settings);
    }

    /** The last of 1 to {@code most} that fits, by bisection. */
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
        return limits.plan(VideoRequest.builder(plan.request().prompt())
                .size(width, height)
                .frames(frames)
                .fps(plan.format().fps())
                .steps(plan.steps())
                .guidance(plan.guidance())
                .schedule(plan.schedule())
                .eta(plan.eta())
                .build());
    }

    private int unitT() {
        return limits.compression().t() * limits.patch().t();
    }

    private int unitH() {
        return limits.compression().h() * limits.patch().h();
    }

    private int unitW() {
        return limits.compression().w() * limits.patch().w();
    }

    private static String seconds(VideoPlan plan) {
        return String.format(Locale.ROOT, "%.3f", plan.seconds()).replaceFirst("\\.?0+$", "");
    }
}
