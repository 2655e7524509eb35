package io.lingen.bench.internal;

/** A setting of the backend that measurements change temporarily. */
interface GpuSwitch {
    /**
     * Changes the setting.
     *
     * @return the previous value
     */
    boolean set(boolean on);

    /** Returns work that runs with a value of the setting, and restores the previous value. */
    default Runnable during(boolean on, Runnable work) {
        return () -> {
            boolean before = set(on);
            try {
                work.run();
            } finally {
                set(before);
            }
        };
    }
}
