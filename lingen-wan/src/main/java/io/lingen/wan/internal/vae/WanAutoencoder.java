package io.lingen.wan.internal.vae;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.internal.ParameterCount;
import io.lingen.internal.diffusers.DiffusersFolder;
import java.util.Locale;

/**
 * The Wan autoencoder of a folder in the layout of diffusers.
 *
 * @param folder the folder
 */
public record WanAutoencoder(DiffusersFolder folder) {
    /**
     * {@return the configuration}
     *
     * @throws io.lingen.core.checkpoint.CheckpointException if it is missing or malformed
     */
    public WanVaeConfig config() {
        return WanVaeConfig.read(folder.config(DiffusersFolder.VAE));
    }

    /**
     * Loads the decoder.
     *
     * @param backend decodes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the decoder, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if a file or a tensor is missing, invalid or unknown
     */
    public WanVideoDecoder loadDecoder(Backend backend, DType precision) {
        try (SafetensorsFile file = folder.autoencoder()) {
            return WanVideoDecoder.load(file, config(), backend, precision);
        }
    }

    /** {@return compression, channels and number of parameters of the decoder, for display} */
    public String description() {
        WanVaeConfig config = config();
        try (SafetensorsFile file = folder.autoencoder()) {
            return String.format(
                    Locale.ROOT,
                    "compression %dx%dx%d, %d channels, %s",
                    config.temporalCompression(),
                    config.spatialCompression(),
                    config.spatialCompression(),
                    config.latentChannels(),
                    ParameterCount.of(file, "decoder."));
        }
    }
}
