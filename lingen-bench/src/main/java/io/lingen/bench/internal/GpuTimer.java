package io.lingen.bench.internal;

import io.lingen.cuda.internal.driver.Device;
import java.util.Arrays;
import java.util.List;

/** A timer of work on a device. It measures with events of the device, after a warm-up, and returns medians. */
final class GpuTimer {
    private static final int WARM_UP_RUNS = 2;
    /** The minimum time between two events. Shorter work is run several times, which hides the latency of its start. */
    private static final double MIN_MILLIS = 5;

    private static final int MAX_CALLS = 20;
    /** The pause before a measurement. Work at the power limit lowers the clock rate of the device for some time. */
    private static final int PAUSE_MILLIS = 500;

    private final Device device;
    private final int repeats;
    private final double limitMillis;

    /**
     * Creates a timer.
     *
     * @param device the device
     * @param repeats the number of runs per measurement
     * @param limitMillis the time after which a measurement starts no further run. It then uses the completed runs, or the warm-up
     */
    GpuTimer(Device device, int repeats, double limitMillis) {
        this.device = device;
        this.repeats = repeats;
        this.limitMillis = limitMillis;
    }

    /** Returns the median time of several runs in milliseconds. */
    double millis(Runnable work) {
        return millis(List.of(work))[0];
    }

    /**
     * Returns the median times of several kinds of work in milliseconds. They alternate, so that the state of the device is the same for
     * all.
     */
    double[] millis(List<Runnable> works) {
        pause();
        double spent = 0;
        double[] last = new double[works.size()];
        for (int i = 0; i < WARM_UP_RUNS; i++) {
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
                int calls = (int) Math.clamp(Math.ceil(MIN_MILLIS / last[k]), 1, MAX_CALLS);
                double all = device.millis(() -> {
                    for (int i = 0; i < calls; i++) {
                        work.run();
                    }
                });
                runs[k][count] = all / calls;
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

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
