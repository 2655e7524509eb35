package io.lingen.bench;

import io.lingen.cuda.driver.Device;
import java.util.Arrays;

/** Times work on a device by its events: warmed up, repeated, the median. */
final class GpuClock {
    private static final int WARM_UPS = 2;
    /** Short work is run several times in a row between two events, so that its start by the host is hidden. */
    private static final double LEAST_MILLIS = 5;

    private static final int MOST_IN_A_ROW = 20;

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
        double spent = 0;
        double last = 0;
        for (int i = 0; i < WARM_UPS; i++) {
            last = device.millis(work);
            spent += last;
            if (spent > limitMillis) {
                return last;
            }
        }
        int inARow = (int) Math.clamp(Math.ceil(LEAST_MILLIS / last), 1, MOST_IN_A_ROW);
        double[] runs = new double[repeats];
        int count = 0;
        while (count < repeats && (count == 0 || spent <= limitMillis)) {
            double all = device.millis(() -> {
                for (int i = 0; i < inARow; i++) {
                    work.run();
                }
            });
            runs[count++] = all / inARow;
            spent += all;
        }
        Arrays.sort(runs, 0, count);
        return runs[count / 2];
    }
}
