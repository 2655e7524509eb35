package io.lingen.bench.internal;

/**
 * The components of a LinGen block whose share of the time is in the paper. The share is the time that a model without the component saves,
 * of 102 s for 512x512 pixels and 17 s (specification, section 7).
 */
enum Component {
    /** The MA-branch: Mamba2 in both directions, with its projections and norm. */
    MA("MA-branch", 65),
    /** TEmporal Swin Attention. */
    TESA("TESA", 94),
    /** The Rotary-Major Scan. Without it, all layers scan in the order (t, h, w). */
    RMS("Rotary-Major Scan", 99),
    /** The review tokens. */
    REVIEW("review tokens", 98);

    private static final double TOTAL_SECONDS = 102;

    private final String title;
    private final double secondsWithout;

    Component(String title, double secondsWithout) {
        this.title = title;
        this.secondsWithout = secondsWithout;
    }

    String title() {
        return title;
    }

    /** Returns the published share, 0 to 1. */
    double publishedShare() {
        return 1 - secondsWithout / TOTAL_SECONDS;
    }
}
