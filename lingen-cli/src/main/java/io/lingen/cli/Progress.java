package io.lingen.cli;

import java.io.PrintWriter;
import java.util.Iterator;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reports the progress of a run: a bar on a terminal, a line per stage elsewhere, nothing if quiet. For one thread. */
final class Progress {
    /** The form of the report. */
    enum Form {
        BAR,
        LINES,
        QUIET
    }

    private static final int WIDTH = 30;
    private static final long REDRAW_NANOS = 100_000_000;

    private final PrintWriter err;
    private final Form form;
    private @Nullable Bar current;

    Progress(PrintWriter err, Form form) {
        this.err = err;
        this.form = form;
    }

    /** The form for standard error; the launcher passes on whether that is a terminal. */
    static Form detect(boolean quiet) {
        if (quiet) {
            return Form.QUIET;
        }
        return Boolean.getBoolean("lingen.terminal") ? Form.BAR : Form.LINES;
    }

    /** Prints a line, unless quiet. */
    void print(String line) {
        if (form != Form.QUIET) {
            err.println(line);
            err.flush();
        }
    }

    /** Reports the progress of a stage, which begins when {@code done} is 0. */
    void show(String stage, int done, int total) {
        if (current == null || done == 0) {
            current = new Bar(stage, total);
        }
        current.advanceTo(done);
    }

    /** Wraps an iterator and reports how many elements were taken. */
    <E> Iterator<E> over(String stage, int total, Iterator<E> elements) {
        Bar bar = new Bar(stage, total);
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return elements.hasNext();
            }

            @Override
            public E next() {
                E element = elements.next();
                bar.advanceTo(bar.done + 1);
                return element;
            }
        };
    }

    private final class Bar {
        private final String stage;
        private final int total;
        private final long start = System.nanoTime();
        private long drawn = start - REDRAW_NANOS;
        private int done;

        Bar(String stage, int total) {
            this.stage = stage;
            this.total = total;
            show(start);
        }

        void advanceTo(int count) {
            long now = System.nanoTime();
            boolean advances = count > done;
            done = count;
            if (advances && (done == total || now - drawn >= REDRAW_NANOS)) {
                show(now);
            }
        }

        private void show(long now) {
            drawn = now;
            double seconds = (now - start) * 1e-9;
            if (form == Form.BAR) {
                int filled = (int) ((long) WIDTH * done / total);
                String left =
                        done == 0 ? "" : done == total ? time(seconds) : "ETA " + time(seconds / done * (total - done));
                err.printf(
                        "\r%-10s [%s%s] %d/%d  %-12s",
                        stage, "#".repeat(filled), "-".repeat(WIDTH - filled), done, total, left);
                if (done == total) {
                    err.println();
                }
                err.flush();
            } else if (form == Form.LINES && done == total) {
                print(String.format(Locale.ROOT, "%-10s %d/%d in %s", stage, done, total, time(seconds)));
            }
        }
    }

    /** Formats a number: 3, 7.5. */
    static String number(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }

    /** Formats a duration: 4.2 s, 1 min 05 s. */
    static String time(double seconds) {
        if (seconds < 59.95) {
            return String.format(Locale.ROOT, "%.1f s", seconds);
        }
        long whole = Math.round(seconds);
        return String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60);
    }
}
