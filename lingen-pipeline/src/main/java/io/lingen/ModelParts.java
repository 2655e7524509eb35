package io.lingen;

import io.lingen.diffusion.Denoiser;
import io.lingen.vae.VideoDecoder;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The denoiser and the decoder of a model, each loaded on its first use. A part stays loaded until the other part is used alone, or until this
 * object is closed. Thread-safe.
 */
final class ModelParts implements AutoCloseable {
    /**
     * A use of a part. The part is not freed before all its uses are closed. For one thread.
     *
     * @param <T> the type of the part
     */
    static final class Use<T> implements AutoCloseable {
        private final Part<T> owner;
        private final T part;
        private boolean closed;

        private Use(Part<T> owner, T part) {
            this.owner = owner;
            this.part = part;
        }

        T part() {
            return part;
        }

        /** Ends the use. A second call has no effect. */
        @Override
        public void close() {
            if (!closed) {
                closed = true;
                owner.release();
            }
        }
    }

    private static final class Part<T> {
        private final Supplier<T> loader;
        private final Consumer<T> closer;
        private @Nullable T loaded;
        private int uses;

        Part(Supplier<T> loader, Consumer<T> closer) {
            this.loader = loader;
            this.closer = closer;
        }

        synchronized Use<T> use() {
            T part = loaded;
            if (part == null) {
                part = loader.get();
                loaded = part;
            }
            uses++;
            return new Use<>(this, part);
        }

        synchronized void release() {
            uses--;
        }

        synchronized boolean isLoaded() {
            return loaded != null;
        }

        synchronized void freeIfUnused() {
            if (uses == 0) {
                free();
            }
        }

        synchronized void free() {
            T part = loaded;
            loaded = null;
            if (part != null) {
                closer.accept(part);
            }
        }
    }

    private final Part<Denoiser> denoiser;
    private final Part<VideoDecoder> decoder;

    ModelParts(Supplier<Denoiser> denoiser, Supplier<VideoDecoder> decoder) {
        this.denoiser = new Part<>(denoiser, Denoiser::close);
        this.decoder = new Part<>(decoder, VideoDecoder::close);
    }

    /** Loads both parts. */
    void loadAll() {
        denoiser.use().close();
        decoder.use().close();
    }

    boolean isDenoiserLoaded() {
        return denoiser.isLoaded();
    }

    boolean isDecoderLoaded() {
        return decoder.isLoaded();
    }

    /**
     * Begins a use of the denoiser.
     *
     * @param alone whether to free the decoder first, unless it is in use
     */
    Use<Denoiser> denoiser(boolean alone) {
        if (alone) {
            decoder.freeIfUnused();
        }
        return denoiser.use();
    }

    /**
     * Begins a use of the decoder.
     *
     * @param alone whether to free the denoiser first, unless it is in use
     */
    Use<VideoDecoder> decoder(boolean alone) {
        if (alone) {
            denoiser.freeIfUnused();
        }
        return decoder.use();
    }

    /** Frees both parts, even if they are in use. */
    @Override
    public void close() {
        try {
            denoiser.free();
        } finally {
            decoder.free();
        }
    }
}
