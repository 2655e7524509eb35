package io.lingen.wan.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.diffusion.ParityCheck;
import io.lingen.spi.ParityPart;
import io.lingen.wan.internal.vae.WanVaeConfig;
import io.lingen.wan.internal.vae.WanVideoDecoder;
import io.lingen.wan.internal.vae.WanVideoEncoder;
import java.util.Set;

/**
 * The Wan autoencoder, on whole clips. The decoder maps {@code vae.latent}, which is not normalized, to {@code vae.frames}; the encoder maps
 * {@code vae.video} to {@code vae.mean} and {@code vae.logvar}. Taps are those of the decoder.
 *
 * @param source the files of the model
 * @param component the folder of the autoencoder
 */
public record WanVaePart(ModelSource source, String component) implements ParityPart {
    private static final String LATENT = "vae.latent";
    private static final String VIDEO = "vae.video";

    /** The bounds of the log-variance in the reference. */
    private static final float LEAST_LOG_VARIANCE = -30;

    private static final float LARGEST_LOG_VARIANCE = 20;

    @Override
    public String name() {
        return "vae";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return names.contains(LATENT) || names.contains(VIDEO);
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        WanVaeConfig config = WanVaeConfig.read(source.config(component + "/config.json"));
        try (SafetensorsFile file = source.tensors(component)) {
            if (check.has(LATENT)) {
                try (WanVideoDecoder decoder = WanVideoDecoder.load(file, config, check.backend(), precision)) {
                    decode(check, decoder);
                }
            }
            if (check.has(VIDEO)) {
                try (WanVideoEncoder encoder = WanVideoEncoder.load(file, config, check.backend(), precision)) {
                    encode(check, encoder);
                }
            }
        }
    }

    private static void decode(ParityCheck check, WanVideoDecoder decoder) {
        Backend backend = check.backend();
        HostTensor latent = normalized(check.input(LATENT), decoder.config());
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor uploaded = backend.upload(workspace, latent, DType.F32); // [C, T, H, W]
            Tensor frames = decoder.decode(uploaded, workspace, check.taps("vae.tap."));
            check.compare("vae.frames", clamped(backend.download(frames), -1, 1)); // [3, F, H, W]
        }
    }

    private static void encode(ParityCheck check, WanVideoEncoder encoder) {
        Backend backend = check.backend();
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor video = backend.upload(workspace, check.input(VIDEO), DType.F32); // [3, F, H, W]
            WanVideoEncoder.Moments moments = encoder.encode(video, workspace);
            HostTensor logVariance = backend.download(moments.logVariance());
            check.compare("vae.mean", backend.download(moments.mean())); // [C, T, H, W]
            check.compare("vae.logvar", clamped(logVariance, LEAST_LOG_VARIANCE, LARGEST_LOG_VARIANCE));
        }
    }

    /** {@return a latent as the denoiser makes it: (z - mean) / std per channel} */
    private static HostTensor normalized(HostTensor z, WanVaeConfig config) {
        if (z.shape().length(0) != config.latentChannels()) {
            return z; // The decoder rejects it.
        }
        float[] values = z.toFloats();
        int cells = Math.toIntExact(z.shape().entryElements());
        for (int i = 0; i < values.length; i++) {
            double mean = config.latentMean().get(i / cells);
            double std = config.latentStd().get(i / cells);
            values[i] = (float) ((values[i] - mean) / std);
        }
        return HostTensor.of(values, z.shape().toArray());
    }

    private static HostTensor clamped(HostTensor tensor, float least, float largest) {
        float[] values = tensor.toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.max(least, Math.min(values[i], largest));
        }
        return HostTensor.of(values, tensor.shape().toArray());
    }
}
