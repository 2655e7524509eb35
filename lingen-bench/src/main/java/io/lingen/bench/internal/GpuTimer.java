package io.lingen.bench.internal;

import io.lingen.cuda.internal.driver.Device;
import java.util.Arrays;
import java.util.List;

/** Times work on a device by its events: warmed up, repeated, the median. */
final class GpuClock {
    private static final int WARM_UPS = 2;
    /** Short work is run several times in a row between two events, so that its start by the host is hidden. */
    private static final double LEAST_MILLIS = 5;

    private static final int MOST_IN_A_ROW = 20;
    /** A device that comes from work at the limit of its power starts with a lower clock. */
    private static final int REST_MILLIS = 500;

    private final Device device;
    private final int repeats;
    private final double limitMillis;

    /** @param limitMillis once a figure's runs have taken so long, it is taken from what there is, be it a warm-up */
    GpuClock(Device device, int repeats, double limitMillis) {
        this.device = device;
        this.repeats = repeats;
        this.limitMillis = limitMillis;
    }

    /** The median of several runs in milliseconds. */
    double millis(Runnable work) {
        return millis(List.of(work))[0];
    }

    /** The medians of several kinds of work, which take turns, so that all find the device as warm. */
    double[] millis(List<Runnable> works) {
        rest();
        double spent = 0;
        double[] last = new double[works.size()];
        for (int i = 0; i < WARM_UPS; i++) {
            for (int k = 0; k < last.length; k++) {
                last[k] = device.millis(works.get(k));
                spent += last[k];
            }
            if (spent > limitMillis) {
                return last;
            }
        }
        double[][] runs = new double[last.length][repeats];
        int count = 0;
        while (count < repeats && (count == 0 || spent <= limitMillis)) {
            for (int k = 0; k < last.length; k++) {
                Runnable work = works.get(k);
                int inARow = (int) Math.clamp(Math.ceil(LEAST_MILLIS / last[k]), 1, MOST_IN_A_ROW);
                double all = device.millis(() -> {
                    for (int i = 0; i < inARow; i++) {
                        work.run();
                    }
                });
                runs[k][count] = all / inARow;
                spent += all;
            }
            count++;
        }
        double[] medians = new double[last.length];
        for (int k = 0; k < last.length; k++) {
            Arrays.sort(runs[k], 0, count);
            medians[k] = runs[k][count / 2];
        }
        return medians;
    }

    private static void rest() {
        try {
            Thread.sleep(REST_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
