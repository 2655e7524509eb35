package io.lingen.bench.internal;

/** A choice of the backend's that measurements change for the time of some work. */
interface GpuSwitch {
    /**
     * Switches on or off.
     *
     * @return how it was
     */
    boolean set(boolean on);

    /** The work with the switch set so, and as it was afterwards. */
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
