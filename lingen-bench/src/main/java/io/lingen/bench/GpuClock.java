package io.lingen.bench;

import io.lingen.cuda.driver.Device;
import java.util.Arrays;

/** Times work on a device by its events: warmed up, repeated, the median. */
final class GpuClock {
    private final Device device;
    private final int repeats;

    GpuClock(Device device, int repeats) {
        this.device = device;
        this.repeats = repeats;
    }

    /** The median of several runs in milliseconds. */
    double millis(Runnable work) {
        work.run();
        work.run();
        double[] runs = new double[repeats];
        for (int i = 0; i < repeats; i++) {
            runs[i] = device.millis(work);
        }
        Arrays.sort(runs);
        return runs[repeats / 2];
    }
}
