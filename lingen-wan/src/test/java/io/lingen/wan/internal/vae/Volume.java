package io.lingen.wan.internal.vae;

import io.lingen.core.HostTensor;

/** A video of double precision for reference computations. */
final class Volume {
    final int channels;
    final int frames;
    final int height;
    final int width;
    final double[] values; // [channels, frames, height, width]

    Volume(int channels, int frames, int height, int width) {
        this.channels = channels;
        this.frames = frames;
        this.height = height;
        this.width = width;
        this.values = new double[channels * frames * height * width];
    }

    /** Copies a tensor [C, T, H, W]. */
    static Volume of(HostTensor tensor) {
        Volume volume = new Volume(
                (int) tensor.shape().length(0),
                (int) tensor.shape().length(1),
                (int) tensor.shape().length(2),
                (int) tensor.shape().length(3));
        for (int i = 0; i < volume.values.length; i++) {
            volume.values[i] = tensor.get(i);
        }
        return volume;
    }

    int index(int c, int t, int y, int x) {
        return ((c * frames + t) * height + y) * width + x;
    }

    double get(int c, int t, int y, int x) {
        return values[index(c, t, y, x)];
    }

    void set(int c, int t, int y, int x, double value) {
        values[index(c, t, y, x)] = value;
    }

    Volume plus(Volume other) {
        Volume sum = new Volume(channels, frames, height, width);
        if (other.values.length != values.length) {
            throw new IllegalArgumentException("shapes must be equal");
        }
        for (int i = 0; i < values.length; i++) {
            sum.values[i] = values[i] + other.values[i];
        }
        return sum;
    }

    /** Returns the frames from one index to another; frames outside of the video are zero. */
    Volume frames(int from, int to) {
        Volume part = new Volume(channels, to - from, height, width);
        for (int c = 0; c < channels; c++) {
            for (int t = Math.max(0, from); t < Math.min(frames, to); t++) {
                System.arraycopy(values, index(c, t, 0, 0), part.values, part.index(c, t - from, 0, 0), height * width);
            }
        }
        return part;
    }

    /** Returns the channels from one index to another. */
    Volume channels(int from, int to) {
        Volume part = new Volume(to - from, frames, height, width);
        System.arraycopy(values, index(from, 0, 0, 0), part.values, 0, part.values.length);
        return part;
    }

    /** Returns the L2 norm of the difference of a tensor [C, T, H, W], divided by that of this volume. */
    double relativeError(HostTensor found) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < values.length; i++) {
            double error = found.get(i) - values[i];
            difference += error * error;
            norm += values[i] * values[i];
        }
        return Math.sqrt(difference / norm);
    }
}
