package io.lingen.bench.internal;

/**
 * The parts of LinGen's blocks whose share of the time the paper publishes: what a model without the part saves at 512x512 and 17 s, of
 * 102 s (specification, section 7).
 */
enum Part {
    /** The MA-branch: Mamba2 in both directions, with all that belongs to it. */
    MA("MA-branch", 65),
    /** TEmporal Swin Attention. */
    TESA("TESA", 94),
    /** The Rotary-Major Scan, in place of which all layers scan in the order (t, h, w). */
    RMS("Rotary-Major Scan", 99),
    /** The review tokens. */
    REVIEW("review tokens", 98);

    private static final double WHOLE_SECONDS = 102;

    private final String title;
    private final double secondsWithout;

    Part(String title, double secondsWithout) {
        this.title = title;
        this.secondsWithout = secondsWithout;
    }

    String title() {
        return title;
    }

    /** The published share, 0 to 1. */
    double publishedShare() {
        return 1 - secondsWithout / WHOLE_SECONDS;
    }
}
