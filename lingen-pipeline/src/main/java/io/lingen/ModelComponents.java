package io.lingen;

import io.lingen.diffusion.Denoiser;
import io.lingen.vae.VideoDecoder;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The denoiser and the decoder of a model, each loaded on its first use. A component stays loaded until the other one is used alone, or until
 * this object is closed. Thread-safe.
 */
final class ModelComponents implements AutoCloseable {
    /**
     * A use of a component. The component is not freed before all its uses are closed. For one thread.
     *
     * @param <T> the type of the component
     */
    static final class Use<T> implements AutoCloseable {
        private final Component<T> owner;
        private final T component;
        private boolean closed;

        private Use(Component<T> owner, T component) {
            this.owner = owner;
            this.component = component;
        }

        T component() {
            return component;
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

    private static final class Component<T> {
        private final Supplier<T> loader;
        private final Consumer<T> closer;
        private @Nullable T loaded;
        private int uses;

        Component(Supplier<T> loader, Consumer<T> closer) {
            this.loader = loader;
            this.closer = closer;
        }

        synchronized Use<T> use() {
            T component = loaded;
            if (component == null) {
                component = loader.get();
                loaded = component;
            }
            uses++;
            return new Use<>(this, component);
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
            T component = loaded;
            loaded = null;
            if (component != null) {
                closer.accept(component);
            }
        }
    }

    private final Component<Denoiser> denoiser;
    private final Component<VideoDecoder> decoder;

    ModelComponents(Supplier<Denoiser> denoiser, Supplier<VideoDecoder> decoder) {
        this.denoiser = new Component<>(denoiser, Denoiser::close);
        this.decoder = new Component<>(decoder, VideoDecoder::close);
    }

    /** Loads both components. */
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

    /** Frees both components, even if they are in use. */
    @Override
    public void close() {
        try {
            denoiser.free();
        } finally {
            decoder.free();
        }
    }
}
